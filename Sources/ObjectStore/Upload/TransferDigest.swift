// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import HTTPTransport
internal import Synchronization

/// What identifies the content of an object.
package struct S3ContentDigest: Sendable, Hashable {
    package let size: Int
    /// Lower-case hexadecimal.
    package let sha256: String
    package let checksum: CRC32C
}

/// The SHA-256 and CRC32C of everything that passes, computed piece by piece beside the cooperative pool.
final class TransferDigest: Sendable {
    private struct State {
        var sha256 = SHA256()
        var checksum = CRC32C()
        var size = 0
    }

    /// Below this a hop to another thread costs more than the hashing.
    private static let smallPiece = 256 << 10
    /// Both sums are computed over a block while it is in the processor's cache.
    private static let block = 32 << 10

    private let queue = WorkQueue("digest")
    private let state = Mutex(State())

    /// Takes in the buffer's valid bytes and returns their own checksum. One call at a time, in order.
    func update(_ buffer: TransferBuffer) async -> CRC32C {
        guard buffer.count > Self.smallPiece else { return take(buffer) }
        return await queue.run { [self] in take(buffer) }
    }

    /// Bytes taken in so far.
    var size: Int { state.withLock { $0.size } }

    /// The digest of everything so far.
    var value: S3ContentDigest {
        state.withLock { state in
            S3ContentDigest(
                size: state.size, sha256: ByteText.hexadecimal(state.sha256.finalize()), checksum: state.checksum)
        }
    }

    private func take(_ buffer: TransferBuffer) -> CRC32C {
        unsafe buffer.withUnsafeBytes { bytes in
            state.withLock { state in
                var piece = CRC32C()
                for start in stride(from: 0, to: bytes.count, by: Self.block) {
                    let block = unsafe UnsafeRawBufferPointer(
                        rebasing: bytes[start..<min(start + Self.block, bytes.count)])
                    unsafe state.sha256.update(bufferPointer: block)
                    unsafe piece.update(block)
                }
                state.size += bytes.count
                state.checksum.append(piece, length: bytes.count)
                return piece
            }
        }
    }
}
