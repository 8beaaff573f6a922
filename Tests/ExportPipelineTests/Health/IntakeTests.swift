// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import PipelineTestKit
import Testing

/// What is taken from which queue while something is out of order.
@Suite struct IntakeTests {
    /// A worker that consumes from `source` until it ends.
    private struct Consuming {
        let world: FakeWorld
        let worker: FakeWorker
        let source: FakeSource
        let intake: Intake
        let task: Task<Void, Never>

        init(_ world: FakeWorld, _ source: FakeSource) {
            var policy = RunPolicy()
            policy.maxAttempts = 1
            let worker = FakeWorker("a", on: world, policy: policy)
            let intake = Intake(
                source: source, pipeline: worker.pipeline, health: worker.health,
                tenants: world.snapshot.tenants, environment: FakeEnvironment(world: world))
            (self.world, self.worker, self.source, self.intake) = (world, worker, source, intake)
            task = Task { await intake.run() }
        }

        func end() async {
            source.end()
            await task.value
        }
    }

    private static let forEver = Duration.seconds(1 << 40)

    private func commands(_ ids: ClosedRange<Int>, tenant: String = "default") -> [IncomingMessage] {
        ids.map { id in
            let body = #"{"commandId":"\#(tenant)-\#(id)","tenant":"\#(tenant)","modelId":"m\#(id)","version":"1"}"#
            return IncomingMessage(body: Array(body.utf8), messageID: "\(tenant)-\(id)")
        }
    }

    @Test(arguments: [Dependency.objectStore, .auditSink("fake"), .broker, .tenant("default")])
    func anOutageEmptiesTheWorkerAndNotTheQueue(_ dependency: Dependency) async {
        let world = FakeWorld()
        world.with { $0.down[dependency] = Self.forEver }
        let source = FakeSource(prefetches: ["q": 4], messages: ["q": commands(1...20)])
        let consuming = Consuming(world, source)
        await source.wait { $0.paused == ["q"] && $0.lent["q"] == 0 }
        #expect(source.view.settled.isEmpty)
        #expect(source.view.ready["q"] == 20)
        #expect(source.view.deliveries.values.allSatisfy { $0 == 1 })
        #expect(consuming.intake.pausedQueues == ["q"])

        world.with { $0.down = [:] }
        await source.wait { $0.settled.count == 20 }
        await consuming.end()
        #expect(source.view.settled.values.allSatisfy { $0 == .acknowledge })
        #expect(source.view.deliveries.values.allSatisfy { $0 <= 2 })
        #expect(world.snapshot.triggers.count == 20)
        #expect(source.view.journal == ["pause q", "resume q"])
    }

    @Test func onASharedQueueOnlyTheIllTenantWaits() async {
        let world = FakeWorld()
        world.with { state in
            state.tenants = ["ill", "well"]
            state.down[.tenant("ill")] = Self.forEver
        }
        let messages = commands(1...1, tenant: "ill") + commands(1...30, tenant: "well")
        let source = FakeSource(prefetches: ["q": 2], messages: ["q": messages])
        let consuming = Consuming(world, source)
        await source.wait { $0.settled.count == 30 }
        #expect(source.view.journal.isEmpty)
        #expect(source.view.lent["q"] == 1)
        world.with { $0.down = [:] }
        await source.wait { $0.settled.count == 31 }
        await consuming.end()
        #expect(source.view.deliveries["ill-1"] == 1)
    }

    @Test func aQueueFullOfTheIllTenantsCommandsIsPaused() async {
        let world = FakeWorld()
        world.with { state in
            state.tenants = ["ill", "well"]
            state.down[.tenant("ill")] = Self.forEver
        }
        let source = FakeSource(
            prefetches: ["shared": 2, "well": 2],
            messages: [
                "shared": commands(1...4, tenant: "ill") + commands(101...104, tenant: "well"),
                "well": commands(1...20, tenant: "well"),
            ])
        let consuming = Consuming(world, source)
        await source.wait { $0.paused == ["shared"] && $0.lent["shared"] == 0 && $0.settled.count == 20 }
        #expect(source.view.ready["shared"] == 8)
        world.with { $0.down = [:] }
        await source.wait { $0.settled.count == 28 }
        await consuming.end()
        #expect(source.view.journal == ["pause shared", "resume shared"])
        #expect(source.view.deliveries.values.allSatisfy { $0 <= 2 })
    }

    @Test func theOperatorsWordIsFollowedLikeAnOutage() async {
        let world = FakeWorld()
        let source = FakeSource(prefetches: ["q": 2], messages: ["q": []])
        let consuming = Consuming(world, source)
        consuming.worker.health.withhold([.consent(tenant: nil): "maintenance"])
        await source.wait { $0.paused == ["q"] }
        consuming.worker.health.withhold([.consent(tenant: "default"): "this one only"])
        #expect(!consuming.worker.health.isHealthy(.consent(tenant: "default")))
        #expect(consuming.worker.health.isHealthy(.consent(tenant: nil)))
        consuming.worker.health.withhold([:])
        await source.wait { $0.paused.isEmpty }
        await consuming.end()
        #expect(consuming.worker.health.outages.isEmpty)
    }

    @Test func refusalsOfAllAreBelievedFiveTimesAtMost() async {
        let world = FakeWorld()
        world.with { state in
            state.failures["status"] = Array(
                repeating: StepError(.permanent(.modelNotFound), "404", httpStatus: 404), count: 10_000)
            state.failures["probe tenant default"] = Array(
                repeating: StepError(.permanent(.modelNotFound), "404", httpStatus: 404), count: 1_000_000)
        }
        let source = FakeSource(prefetches: ["q": 8], messages: ["q": commands(1...30)])
        let consuming = Consuming(world, source)
        await source.wait { $0.paused == ["q"] && $0.lent["q"] == 0 }
        #expect(source.view.settled.count <= 5)
        #expect(source.view.settled.values.allSatisfy { $0 == .reject })
        let refused = source.view.settled.count
        world.with { $0.failures = [:] }
        await source.wait { $0.settled.count == 30 }
        await consuming.end()
        #expect(source.view.settled.values.filter { $0 == .acknowledge }.count == 30 - refused)
    }

    @Test func aDrainEndsWhileEverythingIsOutOfOrder() async {
        let world = FakeWorld()
        world.with { $0.down = [.objectStore: Self.forEver, .tenant("default"): Self.forEver] }
        let source = FakeSource(prefetches: ["q": 4], messages: ["q": commands(1...8)])
        let consuming = Consuming(world, source)
        await source.wait { $0.paused == ["q"] && $0.lent["q"] == 0 }
        await consuming.intake.drain(grace: .seconds(1)) {}
        await consuming.end()
        #expect(source.view.settled.isEmpty)
        #expect(source.view.ready["q"] == 8)
        #expect(!source.view.journal.contains { $0.hasPrefix("resume") })
    }
}
