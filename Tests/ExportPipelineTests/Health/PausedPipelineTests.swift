// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import PipelineTestKit
import Testing

/// A fault of the surroundings costs a command nothing: it waits, and goes on where it stood.
@Suite struct PausedPipelineTests {
    static let dependencies: [Dependency] = [.tenant("default"), .objectStore, .auditSink("fake"), .broker]

    /// Every command would fail for good at its first attempt, and the outage lasts 46 hours.
    @Test(arguments: dependencies)
    func anOutageOf46HoursCostsNoCommandAnything(_ dependency: Dependency) async {
        var policy = RunPolicy()
        policy.maxAttempts = 1
        policy.jobDeadline = .seconds(60)
        policy.trainingWait = .seconds(60)
        let world = FakeWorld()
        world.with { state in
            state.down[dependency] = .seconds(46 * 3600)
            state.pollsPerJob = 3
        }
        let worker = FakeWorker("a", on: world, policy: policy)
        #expect(await worker.deliver(message()) == .acknowledge)
        let state = world.snapshot
        #expect(state.now >= .seconds(46 * 3600))
        #expect(state.triggers.count == 1)
        #expect(state.events.map(\.kind) == [.completed])
        #expect(state.audits.count == 1)
        #expect(worker.health.outages.isEmpty)
    }

    @Test func anOutageInTheMiddleStopsTheDeadlineOfTheJob() async {
        var policy = RunPolicy()
        policy.jobDeadline = .seconds(60)
        policy.pollInitial = .seconds(5)
        policy.pollMax = .seconds(5)
        let world = FakeWorld()
        world.with { $0.pollsPerJob = 6 }
        let observer = Hook { event in
            guard case .jobTriggered = event else { return }
            world.with { $0.down[.tenant("default")] = $0.now + .seconds(36_000) }
        }
        #expect(await FakeWorker("a", on: world, policy: policy, observer: observer).deliver(message()) == .acknowledge)
        #expect(world.snapshot.now >= .seconds(36_000))
    }

    @Test func aDeliveryGoesBackBeforeTheBrokerTakesItAndItsRunGoesOn() async {
        let world = FakeWorld()
        world.with { $0.pollsPerJob = 200 }
        var policy = RunPolicy()
        // Every sleep moves the clock of this world, those of the deliveries too.
        policy.jobDeadline = .seconds(1_000_000)
        let worker = FakeWorker("a", on: world, policy: policy, deliveryLease: .seconds(600))
        var settlements: [Settlement?] = []
        repeat {
            settlements.append(await worker.deliver(message(isRedelivered: !settlements.isEmpty)))
        } while settlements.last == .requeue && settlements.count < 1000
        #expect(settlements.last == .acknowledge)
        #expect(settlements.count > 2)
        let state = world.snapshot
        #expect(state.triggers.count == 1)
        #expect(state.audits.count == 1)
        // One claim, one job, one decision, and the note of the upload: letting go of the delivery wrote nothing.
        #expect(state.journal.filter { $0 == "write" }.count == 4)
    }

    @Test func aRunThatOnlyHoldsAndThatNobodyWaitsForIsReleased() async {
        let world = FakeWorld()
        world.with { state in
            state.down[.tenant("default")] = .seconds(1000)
            state.versionStatuses = []
        }
        // The claim is there already, so that the run begins before its tenant is found out of order.
        let first = FakeWorker("a", on: world, deliveryLease: .seconds(100))
        #expect(await first.deliver(message()) == .requeue)
        await first.pipeline.waitUntilIdle()
        #expect(first.pipeline.inFlight.runs == 0)
        let second = FakeWorker("b", on: world)
        #expect(await second.deliver(message(isRedelivered: true)) == .acknowledge)
        #expect(world.snapshot.triggers.count == 1)
    }

    /// As a worker meets it that has just been started: the token endpoint is well, and no version is known to ask for.
    @Test func aFreshTokenThatIsRefusedIsNoFaultOfTheCommand() async {
        let world = FakeWorld()
        let refusal = StepError(.surroundings(.tenant("default")), "401", httpStatus: 401)
        world.with { $0.failures["poll"] = Array(repeating: refusal, count: 12) }
        #expect(await FakeWorker("a", on: world).deliver(message()) == .acknowledge)
        #expect(world.snapshot.triggers.count == 1)
    }

    /// A wrong base path says of every version and of every job that it is not there.
    @Test(arguments: ["status", "poll"]) func whatIsRefusedToEverybodyIsNoVerdict(call: String) async {
        let error = StepError(call == "poll" ? .gone : .permanent(.modelNotFound), "404", httpStatus: 404)
        let world = FakeWorld()
        world.with { state in
            state.failures[call] = [error]
            state.failures["probe tenant default"] = [StepError(.surroundings(.tenant("default")), "404")]
        }
        #expect(await FakeWorker("a", on: world).deliver(message()) == .acknowledge)
        #expect(world.snapshot.triggers.count == 1)
        #expect(world.snapshot.events.map(\.kind) == [.completed])
    }

    @Test func aTenantThatAnswersNobodyIsNotTheFaultOfTheCommandThatTriesTheLongest() async {
        let world = FakeWorld()
        world.with { state in
            state.failures["trigger"] = Array(repeating: StepError(.ambiguous, "502", httpStatus: 502), count: 6)
        }
        let observer = Hook { event in
            // The sixth ambiguous answer would be the end; by then the tenant is known to be down.
            guard case .stageBegan(.trigger) = event else { return }
            world.with { $0.failures["probe tenant default"] = [StepError(.transient(), "503", httpStatus: 503)] }
        }
        #expect(await FakeWorker("a", on: world, observer: observer).deliver(message()) == .acknowledge)
        #expect(Set(world.snapshot.triggers).count == 1)
    }
}

/// Does something when an event comes by.
struct Hook: PipelineObserver {
    let action: @Sendable (PipelineEvent) -> Void

    init(_ action: @escaping @Sendable (PipelineEvent) -> Void) { self.action = action }

    func note(_ event: PipelineEvent, of subject: PipelineSubject) { action(event) }
}
