// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Percent-encoding of ids before they go into a path or an object key.
package enum PercentEncoding {
    private static let alphabet = Array("0123456789ABCDEF".utf8)

    /// `text` as UTF-8 with every byte outside `[A-Za-z0-9._~-]` written as `%XX` (RFC 3986 §2.3).
    package static func encode(_ text: String) -> String {
        if text.utf8.allSatisfy(isUnreserved) { return text }
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count * 3)
        for byte in text.utf8 {
            if isUnreserved(byte) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(alphabet[Int(byte >> 4)])
                output.append(alphabet[Int(byte & 15)])
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// How many bytes `encode` would make of `text`.
    static func encodedLength(_ text: String) -> Int {
        text.utf8.reduce(0) { $0 + (isUnreserved($1) ? 1 : 3) }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
