// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Makes texts fit for one line of a log or a terminal.
package enum LogText {
    /// The longest value or message, in bytes of UTF-8.
    package static let maximumBytes = 2048

    /// The text with control, bidi and zero-width characters written out, cut to `limit` bytes of UTF-8.
    package static func clean(_ text: String, limit: Int = maximumBytes) -> String {
        let isPlain = text.utf8.count <= limit && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
        if isPlain { return text }
        var result = ""
        for scalar in cut(text, limit).unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isHidden(scalar): result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The text, cut between characters to at most `limit` bytes of UTF-8, the last of them an ellipsis.
    package static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: max(0, limit - 3))
        // Step back to the first byte of a scalar: 10xxxxxx are the others.
        while end > text.utf8.startIndex, text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return String(text[..<end]) + "…"
    }

    /// Characters that move a cursor, turn the direction of a line or cannot be seen.
    static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x00AD, 0x061C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xFFF9...0xFFFB:
            true
        default: false
        }
    }
}
