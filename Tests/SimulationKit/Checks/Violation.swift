// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A promise that did not hold.
package struct Violation: Sendable, Hashable, CustomStringConvertible {
    /// The short name of the promise.
    package let promise: String
    package let what: String
    /// When it showed, in virtual seconds.
    package let at: String

    package var description: String { "\(promise): \(what) (at \(at)s)" }
}
