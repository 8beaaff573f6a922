// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Cleaning of text that came from outside before it goes into a log line, a record or an event.
package enum RemoteText {
    /// The longest remote text that is kept, in bytes of UTF-8.
    package static let maximumBytes = 1024

    /// `text` without control, bidirectional and zero-width characters (each run of them becomes one blank), cut to
    /// `limit` bytes at a character boundary; a cut is shown by `…`.
    package static func cleaned(_ text: String, limit: Int = maximumBytes) -> String {
        var result = ""
        var bytes = 0
        var blank = false
        for character in text {
            if character.unicodeScalars.contains(where: isUnsafe) || character.isWhitespace {
                blank = !result.isEmpty
                continue
            }
            let piece = (blank ? " " : "") + String(character)
            guard bytes + piece.utf8.count <= limit - 3 else { return result + "…" }
            result += piece
            bytes += piece.utf8.count
            blank = false
        }
        return result
    }

    /// Whether a scalar can hide or reorder what a person reads: controls, bidi marks, zero-width and format characters.
    package static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }
}
