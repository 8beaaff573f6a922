// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Bytes as text, in the forms S3 uses.
enum ByteText {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Lower-case hexadecimal.
    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.underestimatedCount * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Base64 with padding (RFC 4648 §4).
    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// The bytes behind Base64 text; nil where it is not Base64 with its padding.
    static func decodingBase64(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { [UInt8]($0) } }

    /// Remote text made fit for a message: without control, bidirectional and zero-width characters, at most `limit`
    /// bytes and the sign that it was cut.
    static func cleaned(_ text: String, limit: Int = 512) -> String {
        var result = ""
        for character in text.unicodeScalars where !isHidden(character) {
            guard result.utf8.count + UTF8.width(character) <= limit else { return result + "…" }
            result.unicodeScalars.append(character)
        }
        return result
    }
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 32 || scalar.value == 127 }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        default: return false
        }
    }
}
