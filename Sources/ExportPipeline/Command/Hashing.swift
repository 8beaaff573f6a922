// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// Lower-case hexadecimal digits.
enum Hexadecimal {
    private static let alphabet = Array("0123456789abcdef".utf8)

    static func digits(of byte: UInt8) -> [UInt8] { [alphabet[Int(byte >> 4)], alphabet[Int(byte & 15)]] }

    static func string(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap(digits(of:)), as: UTF8.self)
    }
}

/// SHA-256 of small things; never of an artifact.
package enum Hashing {
    /// The digest of the concatenated parts.
    static func sha256(_ parts: [UInt8]...) -> [UInt8] {
        var hash = SHA256()
        for part in parts { hash.update(data: part) }
        return Array(hash.finalize())
    }

    /// The digest of a text's UTF-8 in lower-case hexadecimal.
    package static func sha256Hex(_ text: String) -> String { Hexadecimal.string(sha256(Array(text.utf8))) }
}

/// What a command asks for, as one hash: tells a second delivery of a command from another command under its name.
package enum Fingerprint {
    /// SHA-256 (hexadecimal) over tenant, model, version, format and the metadata sorted by the bytes of their keys,
    /// each written as its length in bytes, a colon and itself, so that no two different commands share one encoding.
    package static func of(
        tenant: String, modelID: String, version: String, format: String, metadata: [String: String]
    ) -> String {
        var encoding: [UInt8] = []
        for part in [tenant, modelID, version, format] { append(part, to: &encoding) }
        let sorted = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (key, value) in sorted {
            append(key, to: &encoding)
            append(value, to: &encoding)
        }
        return Hexadecimal.string(Hashing.sha256(encoding))
    }

    private static func append(_ part: String, to encoding: inout [UInt8]) {
        encoding.append(contentsOf: "\(part.utf8.count):".utf8)
        encoding.append(contentsOf: part.utf8)
    }
}

/// Ids that follow from what they name, so that whoever renders an outcome uses the same ones.
package enum DerivedIdentifier {
    /// A UUID of version 8 (RFC 9562 §5.8) from SHA-256 over the parts, one a line: the digest's first 16 bytes with
    /// the version and variant bits set.
    static func uuid(_ parts: String...) -> String {
        let digest = Hashing.sha256(Array(parts.joined(separator: "\n").utf8))
        let high = digest[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let low = digest[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return uuid(high, low, version: 8)
    }

    /// A UUID of these 128 bits but for the version and the variant (RFC 9562 §4), in lower case.
    static func uuid(_ high: UInt64, _ low: UInt64, version: UInt64) -> String {
        let high = high & ~0xF000 | version << 12
        let low = low & ~(0b11 << 62) | 0b10 << 62
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for position in 0..<16 {
            if [4, 6, 8, 10].contains(position) { text.append(UInt8(ascii: "-")) }
            let shifted = (position < 8 ? high : low) >> UInt64(56 - position % 8 * 8)
            text.append(contentsOf: Hexadecimal.digits(of: UInt8(truncatingIfNeeded: shifted)))
        }
        return String(decoding: text, as: UTF8.self)
    }
}
