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

    /// Remote text made fit for a message: without control characters, at most `limit` bytes.
    static func cleaned(_ text: String, limit: Int = 512) -> String {
        var result = ""
        for character in text.unicodeScalars where character.value >= 32 && !(127..<160).contains(character.value) {
            guard result.utf8.count + UTF8.width(character) <= limit else { return result + "…" }
            result.unicodeScalars.append(character)
        }
        return result
    }
}
