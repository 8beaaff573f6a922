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
        var hasBegun = false
    }

    /// Below this a hop to another thread costs more than the hashing: what is small and alone is hashed at once.
    private static let smallPiece = 256 << 10
    /// Both sums are computed over a block while it is in the processor's cache.
    private static let block = 32 << 10

    private let queue = WorkQueue("digest")
    private let state = Mutex(State())

    /// Takes in the buffer's valid bytes after those of all calls before; the result is their own checksum. The buffer
    /// is in use until then.
    func add(_ buffer: TransferBuffer) -> WorkResult<CRC32C> {
        let isFirst = state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
        if isFirst, buffer.count <= Self.smallPiece { return WorkResult(take(buffer)) }
        return queue.start { [self] in take(buffer) }
    }

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
