// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Pseudo-random bytes made once per process; every artifact is a sequence of windows into them, so that serving one
/// copies nothing.
enum ContentSlab {
    /// The bytes of one block of an artifact.
    static let blockSize = 256 << 10

    /// How many different blocks there are: each begins at another byte of the slab.
    static let windowCount = 8 << 20

    private static let bytes: ByteBuffer = {
        let count = windowCount + blockSize
        var generator = SplitMix64(state: 0x6E6C_752D_6578_706F)
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        for _ in 0..<(count / 8) {
            buffer.writeInteger(generator.next(), endianness: .little)
        }
        return buffer
    }()

    /// The block that the hash `value` picks, sharing the slab's memory.
    static func block(pickedBy value: UInt64) -> ByteBuffer {
        let start = Int(value % UInt64(windowCount))
        // The window lies inside the slab by construction; an empty buffer would show up as a wrong length.
        return bytes.getSlice(at: start, length: blockSize) ?? ByteBuffer()
    }
}

/// Steele, Lea and Flood's SplitMix64: small, fast, and the same numbers everywhere.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The generator's output function, usable as a hash of one word.
    static func mix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
