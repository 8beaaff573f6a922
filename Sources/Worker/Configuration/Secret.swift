// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A text that never prints itself: every description and reflection of it reads `<redacted>`.
package struct Secret: Sendable, Hashable {
    private let text: String

    package init(_ text: String) { self.text = text }

    /// The text itself, for the one call that needs it; never for a message, a log line or a record.
    package func reveal() -> String { text }

    /// What stands in a message in place of a secret.
    package static let redacted = "<redacted>"
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.redacted }
    package var debugDescription: String { Self.redacted }
    // Without this `dump` and `String(reflecting:)` of an enclosing value would show the stored text.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
