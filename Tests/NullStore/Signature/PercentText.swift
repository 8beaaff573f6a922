// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Percent-encoding as Signature Version 4 has it.
enum PercentText {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The path decoded and encoded again, slashes kept.
    static func reencodedPath(_ path: Substring) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { encoded(decoded($0)) }.joined(separator: "/")
    }

    /// The parameters of a query, decoded; one without a value has an empty one.
    static func parameters(_ query: Substring) -> [(name: String, value: String)] {
        query.split(separator: "&").map { field in
            let equals = field.firstIndex(of: "=") ?? field.endIndex
            let value = equals == field.endIndex ? "" : field[field.index(after: equals)...]
            return (text(field[..<equals]), text(value))
        }
    }

    /// The query as it is signed: encoded, sorted, every parameter with an equals sign.
    static func canonicalQuery(_ query: Substring) -> String {
        parameters(query).map { (encoded(Array($0.name.utf8)), encoded(Array($0.value.utf8))) }
            .sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Decoded text.
    static func text(_ text: Substring) -> String {
        text.utf8.contains(UInt8(ascii: "%")) ? String(decoding: decoded(text), as: UTF8.self) : String(text)
    }

    private static func encoded(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default:
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func decoded(_ text: Substring) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let escape = rest.prefix(2)
            if byte == UInt8(ascii: "%"), escape.count == 2, let value = UInt8(String(escape) ?? "", radix: 16) {
                result.append(value)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
