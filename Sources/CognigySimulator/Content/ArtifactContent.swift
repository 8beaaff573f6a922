// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import NIOCore

/// The bytes of one exported model: made up on the fly, always the same for the same model, version and size.
package struct ArtifactContent: Sendable, Hashable {
    /// How many bytes the artifact has.
    package let size: Int

    private let seed: UInt64

    /// The artifact of a model version; its bytes also depend on its size.
    package init(model: String, version: String, size: Int) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(model)\n\(version)\n\(size)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3  // FNV-1a
        }
        seed = SplitMix64.mix(hash)
        self.size = size
    }

    /// A strong entity tag, quotes included.
    package var entityTag: String {
        "\"\(String(seed, radix: 16))-\(String(size, radix: 16))\""
    }

    /// Some of the artifact's bytes, copied; a range that reaches beyond the end goes on in the same manner.
    package func bytes(_ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        for slice in slices(range) {
            result.append(contentsOf: slice.readableBytesView)
        }
        return result
    }

    /// The SHA-256 of the whole artifact in lower-case hex; takes about half a second per GiB, stores nothing.
    package func sha256() -> String {
        var hasher = SHA256()
        for slice in slices(0..<size) {
            unsafe slice.withUnsafeReadableBytes { unsafe hasher.update(bufferPointer: $0) }
        }
        return Self.hex(hasher.finalize())
    }

    /// The SHA-256 that the artifact of this model, version and size has, in lower-case hex.
    package static func sha256(model: String, version: String, size: Int) -> String {
        ArtifactContent(model: model, version: version, size: size).sha256()
    }

    /// The bytes of `range` in order, as windows into shared memory of at most `limit` bytes each.
    func slices(_ range: Range<Int>, limit: Int = ContentSlab.blockSize) -> some Sequence<ByteBuffer> {
        sequence(state: range.lowerBound) { position -> ByteBuffer? in
            guard position < range.upperBound else { return nil }
            let (block, offset) = position.quotientAndRemainder(dividingBy: ContentSlab.blockSize)
            let length = min(ContentSlab.blockSize - offset, range.upperBound - position, max(limit, 1))
            position += length
            let picked = SplitMix64.mix(seed &+ UInt64(block) &* 0x9E37_79B9_7F4A_7C15)
            return ContentSlab.block(pickedBy: picked).getSlice(at: offset, length: length)
        }
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
