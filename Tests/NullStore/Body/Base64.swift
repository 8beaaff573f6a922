// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Base64 of a few bytes.
enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word = group.reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            word <<= 8 * UInt32(3 - group.count)
            for place in 0..<4 {
                let letter = letters[Int(word >> UInt32(18 - 6 * place) & 63)]
                result.append(place > group.count ? UInt8(ascii: "=") : letter)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// A CRC32C as S3 writes it.
enum CRC32CText {
    static func base64(_ value: UInt32) -> String {
        Base64.text((0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) })
    }
}
