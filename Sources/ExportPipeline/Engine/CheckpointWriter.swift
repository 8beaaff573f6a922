// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Writes the checkpoints of one run, each under the condition that the one before it is still there.
///
/// A conflict is read back: the nonce tells this run's own write, whose answer was lost, from another worker's. A run that
/// ended for a conflict with nobody would leave its command to an owner that lives and does nothing.
final class CheckpointWriter: Sendable {
    private struct State {
        /// The tag of the document that the next write replaces; nil to create it.
        var version: String?
        /// Nonces of own writes that may or may not have happened.
        var doubtful: Set<String> = []
    }

    private let store: any StateStore
    private let key: String
    private let state: Mutex<State>

    /// - Parameter version: the tag of the document the first write replaces; nil to create it.
    init(store: any StateStore, key: String, version: String?) {
        self.store = store
        self.key = key
        state = Mutex(State(version: version))
    }

    /// Writes `checkpoint`; afterwards it is the one in the store.
    ///
    /// - Throws: `overtaken` where another owner's checkpoint is there; the store's own errors otherwise, which leave open
    ///   whether it was written: write it again, or another one of the same run.
    func write(_ checkpoint: Checkpoint) async throws(StepError) {
        do {
            try await write(checkpoint, bytes: encoded(checkpoint), mayRepeat: true)
        } catch {
            state.withLock { _ = $0.doubtful.insert(checkpoint.nonce) }
            throw error
        }
    }

    private func encoded(_ checkpoint: Checkpoint) throws(StepError) -> [UInt8] {
        do {
            return try CheckpointCodec.encode(checkpoint)
        } catch {
            throw StepError(.transient(), error.message)
        }
    }

    private func write(_ checkpoint: Checkpoint, bytes: [UInt8], mayRepeat: Bool) async throws(StepError) {
        let base = state.withLock { $0.version }
        switch try await store.write(bytes, to: key, if: base.map(WriteCondition.version) ?? .absent) {
        case .written(let tag):
            state.withLock { $0 = State(version: tag) }
        case .conflict:
            let found = try await readBack(over: base)
            if let found, found.nonce == checkpoint.nonce {
                return state.withLock { $0 = State(version: found.version) }
            }
            guard isStillMine(found, over: base) else {
                throw StepError(.overtaken, "another worker wrote the checkpoint \(key)")
            }
            guard mayRepeat else {
                throw StepError(.transient(), "the store refuses to write the checkpoint \(key), which nobody changed")
            }
            state.withLock { $0.version = found?.version }
            try await write(checkpoint, bytes: bytes, mayRepeat: false)
        }
    }

    /// Whether nobody else wrote: an earlier write of this run did happen after all and this one follows it, or the store
    /// refused without cause (S3 answers 409 to writes that merely met).
    private func isStillMine(_ found: (nonce: String, version: String)?, over base: String?) -> Bool {
        guard let found else { return true }
        return found.version == base || state.withLock { $0.doubtful.contains(found.nonce) }
    }

    private func readBack(over base: String?) async throws(StepError) -> (nonce: String, version: String)? {
        guard let document = try await store.read(key) else {
            guard base != nil else { return nil }
            throw StepError(.overtaken, "the checkpoint \(key) vanished while it was being written")
        }
        guard let found = try? CheckpointCodec.decode(document.bytes) else {
            throw StepError(.overtaken, "the checkpoint \(key) was replaced by something this worker cannot read")
        }
        return (found.nonce, document.version)
    }
}
