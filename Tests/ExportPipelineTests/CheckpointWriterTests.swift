// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import ExportPipeline

/// A checkpoint whose write was answered by silence is told from another worker's.
@Suite struct CheckpointWriterTests {
    /// One document, and writes that lose their answers: before they take effect, or after.
    private final class LossyStore: StateStore {
        enum Loss { case before, after, refused }

        private struct State {
            var document: StateDocument?
            var writes = 0
            var losses: [Int: Loss] = [:]
        }

        private let state = Mutex(State())

        init(losing losses: [Int: Loss] = [:]) { state.withLock { $0.losses = losses } }

        func read(_ key: String) async throws(StepError) -> StateDocument? { state.withLock { $0.document } }
        func delete(_ key: String) async throws(StepError) {}

        func write(
            _ bytes: [UInt8], to key: String, if condition: WriteCondition
        ) async throws(StepError) -> WriteResult {
            let result: WriteResult? = state.withLock { state in
                state.writes += 1
                let loss = state.losses[state.writes]
                if loss == .before { return nil }
                if loss == .refused { return .conflict }
                let expected: WriteCondition = state.document.map { .version($0.version) } ?? .absent
                guard condition == expected else { return .conflict }
                let version = "v\(state.writes)"
                state.document = StateDocument(bytes: bytes, version: version)
                return loss == .after ? nil : .written(version: version)
            }
            guard let result else { throw StepError(.transient(), "no answer") }
            return result
        }

        var nonce: String? {
            state.withLock { $0.document }.flatMap { try? CheckpointCodec.decode($0.bytes) }?.nonce
        }
    }

    private func checkpoint(_ nonce: String, owner: String = "me") -> Checkpoint {
        Checkpoint(
            commandID: "c", tenant: "t", fingerprint: "f", runID: "r", epoch: 1, owner: owner, nonce: nonce,
            messageToken: "", claimedAt: Timestamp(milliseconds: 0))
    }

    private func failure(_ writer: CheckpointWriter, _ checkpoint: Checkpoint) async -> StepError.Kind? {
        do throws(StepError) {
            try await writer.write(checkpoint)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test(arguments: [1, 2]) func theSameWriteFindsItself(lost: Int) async {
        let store = LossyStore(losing: [lost: .after])
        let writer = CheckpointWriter(store: store, key: "k", version: nil)
        for nonce in ["one", "two"] {
            if await failure(writer, checkpoint(nonce)) != nil {
                #expect(await failure(writer, checkpoint(nonce)) == nil)
            }
            #expect(store.nonce == nonce)
        }
        #expect(await failure(writer, checkpoint("three")) == nil)
    }

    @Test func theNextWriteFindsTheOneBefore() async {
        let store = LossyStore(losing: [2: .after, 3: .before])
        let writer = CheckpointWriter(store: store, key: "k", version: nil)
        #expect(await failure(writer, checkpoint("one")) == nil)
        #expect(await failure(writer, checkpoint("two")) == .transient())
        #expect(await failure(writer, checkpoint("three")) == .transient())
        #expect(store.nonce == "two")
        #expect(await failure(writer, checkpoint("four")) == nil)
        #expect(store.nonce == "four")
    }

    /// S3 may answer 409 to a conditional write although its condition holds.
    @Test(arguments: [1, 2]) func aRefusalWithoutCauseIsNoOvertaking(refused: Int) async {
        let store = LossyStore(losing: [refused: .refused])
        let writer = CheckpointWriter(store: store, key: "k", version: nil)
        #expect(await failure(writer, checkpoint("one")) == nil)
        #expect(await failure(writer, checkpoint("two")) == nil)
        #expect(store.nonce == "two")
    }

    @Test func refusalsWithoutCauseAreTriedAgainLater() async {
        let store = LossyStore(losing: [2: .refused, 3: .refused])
        let writer = CheckpointWriter(store: store, key: "k", version: nil)
        #expect(await failure(writer, checkpoint("one")) == nil)
        #expect(await failure(writer, checkpoint("two")) == .transient())
        #expect(await failure(writer, checkpoint("two")) == nil)
        #expect(store.nonce == "two")
    }

    @Test func anotherWorkersWriteIsNone() async {
        let store = LossyStore(losing: [1: .after])
        let writer = CheckpointWriter(store: store, key: "k", version: nil)
        #expect(await failure(writer, checkpoint("one")) == .transient())
        let other = CheckpointWriter(store: store, key: "k", version: "v1")
        #expect(await failure(other, checkpoint("two", owner: "other")) == nil)
        #expect(await failure(writer, checkpoint("three")) == .overtaken)
        #expect(store.nonce == "two")
        // What was once its own is no longer there, and stays so.
        #expect(await failure(writer, checkpoint("one")) == .overtaken)
    }
}
