// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import PipelineTestKit
import Testing

/// The ownership table: who may go on with a run, and what a worker that was given up for dead can still do.
@Suite(.timeLimit(.minutes(1))) struct PipelineOwnershipTests {
    /// A worker freezes before each of its calls in turn; another takes the run over and ends it; the frozen one wakes.
    @Test func zombieChangesNothingThatWasDecided() async {
        let probe = FakeWorker("probe", on: FakeWorld())
        await probe.deliver(message())
        // The last call of all is the settlement, which is not made of ports.
        for call in 1..<probe.calls {
            let world = FakeWorld()
            let gate = FakeGate()
            let zombie = FakeWorker("a", on: world, pause: (call, gate))
            async let late = zombie.deliver(message())
            await gate.reached()
            let settled = await FakeWorker("b", on: world).deliver(message(isRedelivered: true))
            let before = world.snapshot
            gate.open()
            _ = await late
            let after = world.snapshot
            let what: Comment = "frozen before call \(call)"
            #expect(settled == .acknowledge, what)
            #expect(after.audits == before.audits && after.audits.count == 1, what)
            #expect(after.objects == before.objects && after.objects.count == 1, what)
            #expect(Set(after.events.map(\.id)).count == 1, what)
            #expect(Set(after.events.map(\.body)).count == 1, what)
            #expect(Set(after.triggers).count == 1, "\(what): triggers only with one idempotency key")
            #expect(after.jobs.count == 1, what)
            #expect(after.openUploads.isEmpty, what)
        }
    }

    @Test func livingOwnerIsNotOvertaken() async {
        let world = FakeWorld()
        world.with { $0.pollsPerJob = 1_000_000 }
        let owner = FakeWorker("a", on: world)
        async let first = owner.deliver(message())
        while world.with({ $0.polls }) < 3 { await Task.yield() }
        let lease = LeaseRenewal(instance: "a", world: world)
        let watcher = FakeWorker("b", on: world)
        async let second = watcher.deliver(message(messageID: "msg-2"))
        let since = world.with { $0.now }
        while world.with({ $0.now }) < since + .seconds(600) {
            lease.renew()
            await Task.yield()
        }
        #expect(world.snapshot.triggers.count == 1)
        world.with { $0.jobs[0].pollsLeft = 0 }
        #expect(await [first, second] == [.acknowledge, .acknowledge])
        #expect(world.snapshot.triggers.count == 1)
        #expect(Set(world.snapshot.events.map(\.id)).count == 1)
    }

    /// The decision is in the store and its answer is late: the run that goes on here does not know that it decided.
    /// What comes meanwhile must not take that decision for its own.
    @Test(arguments: [true, false]) func aRunThatDecidedUnknowinglyAnswersNobodyWhoCameLater(succeeds: Bool) async {
        let prepare: @Sendable (inout FakeWorld.State) -> Void = { state in
            state.isMultipart = false
            if !succeeds { state.jobStatuses = [.failed(message: "engine died")] }
        }
        let probe = FakeWorker("probe", on: FakeWorld())
        probe.world.with { prepare(&$0) }
        await probe.deliver(message())
        // Audit, event and settlement come after the decision.
        let gate = FakeGate()
        let worker = FakeWorker("a", on: FakeWorld(), lateAnswer: (probe.calls - 3, gate))
        let world = worker.world
        world.with { prepare(&$0) }
        async let first = worker.deliver(message())
        await gate.reached()
        world.with { $0.objects = [:] }
        var later = message(messageID: "msg-2")
        if !succeeds { later.headers["nlu-replay"] = "0b8f7c62-0000-4000-8000-000000000001" }
        async let second = worker.deliver(later)
        let looks = world.snapshot.reads + 1
        for _ in 0..<10_000 where world.with({ $0.reads }) < looks { await Task.yield() }
        for _ in 0..<100 { await Task.yield() }
        gate.open()
        #expect(await first == (succeeds ? .acknowledge : .reject))
        #expect(await second == .acknowledge)
        #expect(world.snapshot.objects.count == 1)
        #expect(world.snapshot.jobs.count == 2)
    }

    @Test func releasedRunIsTakenOverAtOnce() async throws {
        let world = FakeWorld()
        world.with { $0.pollsPerJob = 1_000_000 }
        let first = FakeWorker("a", on: world)
        async let handedBack = first.deliver(message())
        while world.with({ $0.polls }) < 3 { await Task.yield() }
        first.pipeline.stop(.soft)
        #expect(await handedBack == .requeue)
        world.with { $0.jobs[0].pollsLeft = 0 }
        let begin = world.snapshot.now
        #expect(await FakeWorker("b", on: world).deliver(message(isRedelivered: true)) == .acknowledge)
        #expect(world.snapshot.now - begin < .seconds(10), "nobody waits for the lease of one who let go")
        let bytes = try #require(world.snapshot.documents["state/default/c1.json"]?.bytes)
        #expect(try CheckpointCodec.decode(bytes).epoch == 2)
    }
}

/// Says that an instance lives, as its lease keeper would.
private struct LeaseRenewal {
    let instance: String
    let world: FakeWorld

    func renew() {
        let key = StateKeys().worker(instance: instance)
        world.with { state in
            state.versions += 1
            state.documents[key] = StateDocument(bytes: [], version: "v\(state.versions)")
        }
    }
}
