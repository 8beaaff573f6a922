// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Where a secret comes from. It is asked anew for every token request, so that a rotated file is seen.
package struct SecretSource: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// Reads the secret; an error's text must not hold any part of it.
    package let read: @Sendable () async throws -> String

    package init(read: @escaping @Sendable () async throws -> String) { self.read = read }

    /// A secret that never changes.
    package static func fixed(_ secret: String) -> SecretSource { SecretSource { secret } }

    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
}
