// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCRC32C
internal import ObjectStore
internal import Testing

/// Vectors from RFC 3720 (iSCSI), appendix B.4, and the check value of the CRC catalogue.
@Suite struct CRC32CTests {
    static let vectors: [(bytes: [UInt8], checksum: UInt32)] = [
        (Array("123456789".utf8), 0xE306_9283),
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ((0..<32).map { UInt8($0) }, 0x46DD_794E),
        ((0..<32).map { UInt8(31 - $0) }, 0x113F_DB5C),
        ([], 0),
    ]

    @Test(arguments: vectors.indices) func agreesWithPublishedVectors(_ index: Int) {
        let (bytes, checksum) = Self.vectors[index]
        #expect(CRC32C(bytes).value == checksum)
        #expect(unsafe bytes.withUnsafeBytes { unsafe crc32c_extend_portable(0, $0.baseAddress, $0.count) } == checksum)
    }

    /// Lengths around the block sizes and odd starts, so that every loop of the fast path is entered and left.
    @Test func computesTheSameInHardwareAndByTable() {
        let bytes = noise(60_000)
        for start in [0, 1, 7, 8, 13] {
            for length in [0, 1, 7, 8, 9, 255, 767, 768, 769, 12_287, 12_288, 12_289, 13_056, 50_001] {
                let piece = Array(bytes[start..<(start + length)])
                let (fast, portable) = unsafe piece.withUnsafeBytes {
                    unsafe (
                        crc32c_extend(0, $0.baseAddress, $0.count),
                        crc32c_extend_portable(0, $0.baseAddress, $0.count)
                    )
                }
                #expect(fast == portable, "start \(start), length \(length)")
            }
        }
    }

    @Test func extendsPieceByPiece() {
        let bytes = noise(30_000)
        var checksum = CRC32C()
        for start in stride(from: 0, to: bytes.count, by: 1_234) {
            unsafe bytes[start..<min(start + 1_234, bytes.count)].withUnsafeBytes { unsafe checksum.update($0) }
        }
        #expect(checksum == CRC32C(bytes))
    }

    @Test(arguments: [0, 1, 255, 4096, 19_999, 20_000]) func combinesTwoHalves(_ split: Int) {
        let bytes = noise(20_000)
        var first = CRC32C(Array(bytes[..<split]))
        first.append(CRC32C(Array(bytes[split...])), length: bytes.count - split)
        #expect(first == CRC32C(bytes))
    }

    /// The polynomial's period is 2^31 - 1 bits: lengths beyond it must not be folded at 32 bits.
    @Test func combinesAcrossHugeLengths() {
        let zeros = UInt64(1) << 33
        // Appending zeros in two steps is the same as in one.
        let once = crc32c_combine(0x1234_5678, 0, zeros * 3)
        let twice = crc32c_combine(crc32c_combine(0x1234_5678, 0, zeros), 0, zeros * 2)
        #expect(once == twice)
        #expect(once != 0x1234_5678)
    }

    @Test func writesBase64AsS3Does() {
        #expect(CRC32C(Array("123456789".utf8)).base64 == "4waSgw==")
    }
}

/// Reproducible bytes without a pattern (xorshift).
func noise(_ count: Int, seed: UInt64 = 0x9E37_79B9_7F4A_7C15) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}
