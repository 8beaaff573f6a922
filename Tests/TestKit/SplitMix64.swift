// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Steele, Lea and Flood's SplitMix64: the same seed gives the same numbers, and so the same accidents, on every machine.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// For seeds that lie side by side: each step adds the same number to the state, so that such seeds may give the same
    /// sequence, one step ahead. These begin far apart.
    package init(scattering seed: UInt64) { state = Self.mixed(Self.mixed(seed) ^ 0x1234_5678_9ABC_DEF1) }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in 0..<bound.
    package mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }

    /// At most so many bytes.
    package mutating func bytes(upTo count: Int) -> [UInt8] {
        (0..<below(count + 1)).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// Letters and digits.
    package mutating func text(_ count: Int) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        return String(decoding: (0..<count).map { _ in letters[below(letters.count)] }, as: UTF8.self)
    }

    /// What breaks parsers more often than random bytes do.
    private static let pieces: [[UInt8]] =
        [
            "{", "}", "[", "\"", "\\", "\\u", "\\ud800", ",", ":", "null", "1e999", "-", "../", "\u{202E}", "\u{200B}",
            "\"commandId\":\"x\",", "\"metadata\":{\"runId\":\"1\"},", " ", "\u{301}", "ﬀ", "\\u0000",
        ].map { Array($0.utf8) } + [
            [0xFF], [0xC3], [0x00], [0xED, 0xA0, 0x80], Array(repeating: 0x5B, count: 40),
            Array(repeating: 0x61, count: 300),
        ]

    /// `bytes` after one to four small accidents: bits flipped, bytes cut out, doubled, replaced or put in.
    package mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(4) where !bytes.isEmpty {
            let start = below(bytes.count)
            let end = min(bytes.count, start + 1 + below(8))
            switch below(6) {
            case 0: bytes[start] ^= 1 << UInt8(below(8))
            case 1: bytes.removeSubrange(start..<end)
            case 2: bytes.insert(contentsOf: bytes[start..<end], at: start)
            case 3: bytes[start] = UInt8(below(256))
            case 4: bytes.removeSubrange(start...)
            default: bytes.insert(contentsOf: Self.pieces[below(Self.pieces.count)], at: start)
            }
        }
        return bytes
    }
}
