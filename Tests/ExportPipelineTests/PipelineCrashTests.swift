// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import PipelineTestKit
import Testing

/// Crashes at every call of a command's life, before and after its effect, alone and in pairs.
@Suite struct PipelineCrashTests {
    struct Scenario: Sendable, CustomStringConvertible {
        let name: String
        let settlement: Settlement
        let prepare: @Sendable (FakeWorld) -> Void
        var description: String { name }
    }

    static let scenarios: [Scenario] = [
        .init(name: "multipart", settlement: .acknowledge, prepare: { _ in }),
        .init(name: "single put", settlement: .acknowledge) { $0.with { $0.isMultipart = false } },
        .init(name: "failing job", settlement: .reject) {
            $0.with { $0.jobStatuses = [.failed(message: "engine died")] }
        },
    ]

    /// How many calls an undisturbed delivery makes.
    private func callCount(_ scenario: Scenario) async -> Int {
        let world = FakeWorld()
        scenario.prepare(world)
        let worker = FakeWorker("probe", on: world)
        await worker.deliver(message())
        return worker.calls
    }

    @Test(arguments: scenarios, FakeWorker.Crash.allCases)
    func oneCrashAnywhere(_ scenario: Scenario, _ crash: FakeWorker.Crash) async {
        for call in 1...(await callCount(scenario)) {
            let world = FakeWorld()
            scenario.prepare(world)
            let first = FakeWorker("a", on: world, crashAt: call, crash)
            var settled = await first.deliver(message())
            #expect(first.hasCrashed)
            if settled == nil { settled = await FakeWorker("b", on: world).deliver(message(isRedelivered: true)) }
            if scenario.settlement == .acknowledge { #expect(settled == .acknowledge, "crash \(crash) call \(call)") }
            check(world, settled, "crash \(crash) call \(call)")
        }
    }

    @Test(arguments: FakeWorker.Crash.allCases, FakeWorker.Crash.allCases)
    func twoCrashesAnywhere(_ one: FakeWorker.Crash, _ two: FakeWorker.Crash) async {
        let calls = await callCount(Self.scenarios[0])
        for first in 1...calls {
            for second in 1...calls {
                let world = FakeWorld()
                var settled = await FakeWorker("a", on: world, crashAt: first, one).deliver(message())
                if settled == nil {
                    settled = await FakeWorker("b", on: world, crashAt: second, two).deliver(
                        message(isRedelivered: true))
                }
                if settled == nil { settled = await FakeWorker("c", on: world).deliver(message(isRedelivered: true)) }
                #expect(settled == .acknowledge, "crashes \(one) \(first), \(two) \(second)")
                check(world, settled, "crashes \(one) \(first), \(two) \(second)")
            }
        }
    }

    /// What must hold at the end, whatever happened.
    private func check(_ world: FakeWorld, _ settled: Settlement?, _ what: Comment) {
        let state = world.snapshot
        #expect(settled != nil && settled != .requeue, what)
        #expect(state.audits.count == 1, what)
        #expect(Set(state.events.map(\.id)).count == 1, what)
        #expect(Set(state.events.map(\.body)).count == 1, what)
        #expect(state.jobs.count == 1, what)
        #expect(Set(state.triggers).count == 1, what)
        #expect(state.openUploads.isEmpty, what)
        if settled == .acknowledge { #expect(state.objects.count == 1, what) }
    }
}
