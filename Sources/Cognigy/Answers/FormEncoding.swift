// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// `application/x-www-form-urlencoded` as the URL standard writes it.
enum FormEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The pairs in their order, as the bytes of a request body.
    static func bytes(of pairs: [(name: String, value: String)]) -> [UInt8] {
        Array(pairs.map { "\(encoded($0.name))=\(encoded($0.value))" }.joined(separator: "&").utf8)
    }

    /// One name or value: letters, digits and `*-._` stay, a blank becomes `+`, every other byte is percent-encoded.
    static func encoded(_ text: String) -> String {
        var output: [UInt8] = []
        for byte in text.utf8 {
            if isKept(byte) {
                output.append(byte)
            } else if byte == UInt8(ascii: " ") {
                output.append(UInt8(ascii: "+"))
            } else {
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func isKept(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "*"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
