// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// W3C trace context (https://www.w3.org/TR/trace-context/) as far as it is carried through.
package enum TraceContext {
    /// The header as version 00 where it is valid by the grammar, else nil. Of a later version, whatever follows the
    /// four known fields is left out, as the recommendation asks.
    package static func traceparent(_ text: String?) -> String? {
        guard let text, text.utf8.count >= 55, text.utf8.count <= 512 else { return nil }
        let bytes = Array(text.utf8)
        let isKnownVersion = bytes[0] == UInt8(ascii: "0") && bytes[1] == UInt8(ascii: "0")
        guard bytes.count == 55 || (!isKnownVersion && bytes[55] == UInt8(ascii: "-")) else { return nil }
        let dashes = [2, 35, 52]
        for (index, byte) in bytes.prefix(55).enumerated() {
            guard dashes.contains(index) ? byte == UInt8(ascii: "-") : isLowerHex(byte) else { return nil }
        }
        guard bytes.prefix(2) != [UInt8(ascii: "f"), UInt8(ascii: "f")], !isZero(bytes[3..<35]), !isZero(bytes[36..<52])
        else { return nil }
        return "00" + String(decoding: bytes[2..<55], as: UTF8.self)
    }

    /// The header where it is printable ASCII of at most 512 bytes, else nil; it means nothing without a traceparent.
    package static func tracestate(_ text: String?) -> String? {
        guard let text, !text.isEmpty, text.utf8.count <= 512, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        return text
    }

    /// The trace id of a valid traceparent: 32 hexadecimal digits.
    package static func traceID(of traceparent: String?) -> String? {
        guard let valid = self.traceparent(traceparent) else { return nil }
        return String(valid.dropFirst(3).prefix(32))
    }

    private static func isLowerHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func isZero(_ digits: ArraySlice<UInt8>) -> Bool { digits.allSatisfy { $0 == UInt8(ascii: "0") } }
}
