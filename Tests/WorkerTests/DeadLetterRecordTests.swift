// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import ExportPipeline
import Synchronization
import Testing

@testable import Worker

/// What the state documents say about dead letters.
@Suite struct DeadLetterRecordTests {
    private let keys = StateKeys()
    private let letter = DeadSample.letter()

    private func record(_ documents: [String: [UInt8]]) async -> DeadLetterRecord? {
        await DeadLetterRecords(keys: keys, read: { key throws(RecordTrouble) in documents[key] })
            .judge([letter]).first?.record
    }

    private var key: String { keys.checkpoint(tenant: "acme", commandID: "c-1") }
    private let run = DeadLetterRecord.Run(id: "run-1", runs: 2, attempts: 3)

    @Test func theFailureIsInTheCheckpoint() async throws {
        let bytes = try CheckpointCodec.encode(DeadSample.checkpoint())
        let found = await record([key: bytes])
        #expect(found == .failed(DeadSample.outcome(), run: run, isOwn: true, key: key))
    }

    @Test func theFailureOfAnotherMessageIsToldApart() async throws {
        let bytes = try CheckpointCodec.encode(DeadSample.checkpoint(token: "a replay"))
        let found = await record([key: bytes])
        #expect(found == .failed(DeadSample.outcome(), run: run, isOwn: false, key: key))
    }

    @Test func aCommandThatWasCarriedOutSinceIsNoFailure() async throws {
        let bytes = try CheckpointCodec.encode(DeadSample.checkpoint(of: letter, .decided, DeadSample.outcome(nil)))
        #expect(await record([key: bytes]) == .completed(DeadSample.outcome(nil), run: run, key: key))
    }

    @Test func anUndecidedRunIsNoFailure() async throws {
        let bytes = try CheckpointCodec.encode(DeadSample.checkpoint(of: letter, .claimed))
        #expect(await record([key: bytes]) == .undecided(run, stage: "claimed", owner: "w-1", key: key))
    }

    @Test func aConflictOfIDsIsRecordedUnderTheMessage() async throws {
        let other = try CheckpointCodec.encode(DeadSample.checkpoint(fingerprint: String(repeating: "0", count: 64)))
        let refusal = DeadSample.outcome(.commandIDConflict)
        let invalid = keys.invalid(digest: letter.digest)
        let found = await record([key: other, invalid: try CheckpointCodec.encode(refusal)])
        #expect(found == .failed(refusal, run: nil, isOwn: true, key: invalid))
        #expect(await record([key: other]) == .nothing(keys: [key, invalid]))
    }

    @Test func whatNobodyRecordedWasNotRejectedByAWorker() async {
        #expect(await record([:]) == .nothing(keys: [key, keys.invalid(digest: letter.digest)]))
    }

    @Test(arguments: ["{", #"{"schema":99}"#])
    func aDocumentThatCannotBeReadIsUnknown(text: String) async {
        guard case .unknown(let why)? = await record([key: Array(text.utf8)]) else {
            Issue.record("not unknown")
            return
        }
        #expect(why.hasPrefix(key))
    }

    @Test func aMessageThatIsNoCommandIsFoundByItsHash() async throws {
        let letter = DeadSample.letter("nonsense", id: "m-1")
        let refusal = DeadSample.outcome(.invalidCommand)
        let documents = [keys.invalid(digest: letter.digest): try CheckpointCodec.encode(refusal)]
        let records = DeadLetterRecords(keys: keys, read: { key throws(RecordTrouble) in documents[key] })
        let judged = await records.judge([letter])
        #expect(judged.map(\.failure?.code) == [.invalidCommand])
    }

    // MARK: Trouble

    private func letters(_ count: Int) -> [DeadLetter] {
        (0..<count).map {
            let body = #"{"commandId":"c-\#($0)","modelId":"m","version":"1"}"#
            return DeadLetter(position: $0 + 1, DeadSample.delivery(body), maximumBytes: 65_536)
        }
    }

    @Test func aBucketThatIsDownIsAskedOnce() async {
        let asked = Atomic<Int>(0)
        let records = DeadLetterRecords(
            keys: keys,
            read: { _ throws(RecordTrouble) in
                asked.add(1, ordering: .relaxed)
                throw RecordTrouble(text: "down", isGeneral: true)
            })
        let judged = await records.judge(letters(50))
        #expect(judged.map(\.record) == Array(repeating: .unknown(why: "down"), count: 50))
        #expect(judged.map(\.letter.position) == Array(1...50))
        #expect(asked.load(ordering: .relaxed) == 1)
    }

    @Test func oneDocumentThatFailsConcernsItsLetterAlone() async {
        let bad = keys.checkpoint(tenant: "default", commandID: "c-0")
        let records = DeadLetterRecords(
            keys: keys,
            read: { key throws(RecordTrouble) in
                if key == bad { throw RecordTrouble(text: "odd", isGeneral: false) }
                return nil
            })
        let judged = await records.judge(letters(50))
        #expect(judged.map(\.letter.position) == Array(1...50))
        #expect(judged.first?.record == .unknown(why: "odd"))
        #expect(judged.dropFirst().allSatisfy { !$0.isUnknown })
    }
}
