// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import PipelineTestKit
import Testing

/// A plain command message with an id of its own.
func message(
    _ id: String = "c1", model: String = "m1", messageID: String? = "msg-1", isRedelivered: Bool = false
) -> IncomingMessage {
    let body = #"{"commandId":"\#(id)","modelId":"\#(model)","version":"1.0.0"}"#
    return IncomingMessage(body: Array(body.utf8), messageID: messageID, isRedelivered: isRedelivered)
}

@Suite struct PipelineHappyPathTests {
    @Test func acknowledgesOnlyAfterObjectAuditAndEvent() async {
        let world = FakeWorld()
        #expect(await FakeWorker("a", on: world).deliver(message()) == .acknowledge)
        let state = world.snapshot
        let steps = state.journal.filter { $0 != "write" }
        #expect(steps == ["trigger", "store", "head", "audit", "announce", "settle acknowledge"])
        #expect(state.objects.count == 1)
        #expect(state.audits.count == 1)
        #expect(state.events.map(\.kind) == [.completed])
        #expect(state.openUploads.isEmpty)
    }

    @Test func claimsBeforeItTriggers() async {
        let world = FakeWorld()
        await FakeWorker("a", on: world).deliver(message())
        let journal = world.snapshot.journal
        #expect(journal.firstIndex(of: "write") == 0)
        #expect(journal.firstIndex(of: "trigger") == 1)
    }

    @Test func decidedCommandCostsOneReadAndOneHeadAndRepeatsTheSameBytes() async {
        let world = FakeWorld()
        await FakeWorker("a", on: world).deliver(message())
        let before = world.snapshot
        #expect(await FakeWorker("b", on: world).deliver(message(isRedelivered: true)) == .acknowledge)
        let after = world.snapshot
        #expect(after.reads - before.reads == 1)
        #expect(after.heads - before.heads == 1)
        #expect(after.triggers.count == 1)
        #expect(after.polls == before.polls)
        #expect(after.versions == before.versions)
        #expect(after.audits == before.audits)
        #expect(after.events.count == 2)
        #expect(after.events[0] == after.events[1])
    }

    @Test func vanishedObjectOfADecidedCommandIsFetchedAgain() async {
        let world = FakeWorld()
        await FakeWorker("a", on: world).deliver(message())
        world.with { $0.objects = [:] }
        #expect(await FakeWorker("b", on: world).deliver(message(isRedelivered: true)) == .acknowledge)
        let state = world.snapshot
        #expect(state.objects.count == 1)
        #expect(state.triggers.count == 2)
        #expect(Set(state.triggers).count == 2)
    }

    @Test func duplicatesInOneProcessShareOneRun() async {
        let world = FakeWorld()
        world.with { $0.pollsPerJob = 50 }
        let worker = FakeWorker("a", on: world)
        async let first = worker.deliver(message())
        async let second = worker.deliver(message(messageID: "msg-2"))
        async let third = worker.deliver(message(messageID: "msg-3"))
        #expect(await [first, second, third] == [.acknowledge, .acknowledge, .acknowledge])
        let state = world.snapshot
        #expect(state.triggers.count == 1)
        #expect(state.objects.count == 1)
        #expect(state.audits.count == 1)
        #expect(Set(state.events.map(\.id)).count == 1)
    }

    @Test func duplicatesOnTwoWorkersShareOneRun() async {
        let world = FakeWorld()
        world.with { $0.pollsPerJob = 50 }
        async let first = FakeWorker("a", on: world).deliver(message())
        async let second = FakeWorker("b", on: world).deliver(message(messageID: "msg-2"))
        #expect(await [first, second] == [.acknowledge, .acknowledge])
        let state = world.snapshot
        #expect(Set(state.events.map(\.id)).count == 1)
        #expect(state.audits.count == 1)
    }
}
