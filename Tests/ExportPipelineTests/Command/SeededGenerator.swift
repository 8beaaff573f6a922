// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// SplitMix64: the same seed gives the same mutations on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// What breaks parsers more often than random bytes do.
    private static let pieces: [[UInt8]] = [
        Array("{".utf8), Array("}".utf8), Array("[".utf8), Array("\"".utf8), Array("\\".utf8), Array("\\u".utf8),
        Array("\\ud800".utf8), Array(",".utf8), Array(":".utf8), Array("null".utf8), Array("1e999".utf8),
        Array("-".utf8), Array("../".utf8), Array("\u{202E}".utf8), Array("\u{200B}".utf8), [0xFF], [0xC3], [0x00],
        Array(String(repeating: "[", count: 40).utf8), Array(String(repeating: "a", count: 300).utf8),
        Array("\"commandId\":\"x\",".utf8), Array("\"metadata\":{\"runId\":\"1\"},".utf8), Array(" ".utf8),
    ]

    /// `bytes` after one to three small accidents: bytes flipped, cut out, doubled, replaced or put in.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &self) where !bytes.isEmpty {
            let start = Int.random(in: 0..<bytes.count, using: &self)
            let end = min(bytes.count, start + Int.random(in: 1...8, using: &self))
            switch Int.random(in: 0..<6, using: &self) {
            case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: bytes.removeSubrange(start..<end)
            case 2: bytes.insert(contentsOf: bytes[start..<end], at: start)
            case 3: bytes[start] = UInt8.random(in: 0...255, using: &self)
            case 4: bytes.removeSubrange(start...)
            default: bytes.insert(contentsOf: Self.pieces.randomElement(using: &self) ?? [], at: start)
            }
        }
        return bytes
    }
}
