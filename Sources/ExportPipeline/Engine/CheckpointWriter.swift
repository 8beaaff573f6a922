// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Writes the checkpoints of one run, each under the condition that the one before it is still there.
///
/// A conflict is read back: the nonce tells this run's own write, whose answer was lost, from another worker's.
final class CheckpointWriter: Sendable {
    private let store: any StateStore
    private let key: String
    private let version: Mutex<String?>

    /// - Parameter version: the tag of the document the first write replaces; nil to create it.
    init(store: any StateStore, key: String, version: String?) {
        self.store = store
        self.key = key
        self.version = Mutex(version)
    }

    /// Writes `checkpoint`; afterwards it is the one in the store.
    ///
    /// - Throws: `overtaken` where another owner's checkpoint is there; the store's own errors otherwise, which leave open
    ///   whether it was written: write the very same checkpoint again.
    func write(_ checkpoint: Checkpoint) async throws(StepError) {
        let bytes: [UInt8]
        do {
            bytes = try CheckpointCodec.encode(checkpoint)
        } catch {
            throw StepError(.transient(), error.message)
        }
        let condition = version.withLock { $0 }.map(WriteCondition.version) ?? .absent
        switch try await store.write(bytes, to: key, if: condition) {
        case .written(let tag):
            version.withLock { $0 = tag }
        case .conflict:
            try await readBack(checkpoint)
        }
    }

    private func readBack(_ checkpoint: Checkpoint) async throws(StepError) {
        guard let document = try await store.read(key) else {
            throw StepError(.overtaken, "the checkpoint \(key) vanished while it was being written")
        }
        guard let found = try? CheckpointCodec.decode(document.bytes), found.nonce == checkpoint.nonce else {
            throw StepError(.overtaken, "another worker wrote the checkpoint \(key)")
        }
        version.withLock { $0 = document.version }
    }
}
