// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import PipelineTestKit
import Synchronization
import Testing

/// When something counts as out of order, and how it is found to serve again.
@Suite struct DependencyHealthTests {
    /// Answers probes as a test says, one after the other.
    private final class ScriptedProbe: DependencyProbe {
        private let state = Mutex<(left: Int, suspicions: [String])>((0, []))

        init(failing: Int) { state.withLock { $0.left = failing } }

        var asked: Int { suspicions.count }
        /// What each probe was to look into.
        var suspicions: [String] { state.withLock { $0.suspicions } }

        func probe(_ dependency: Dependency, because suspicion: Suspicion) async throws(StepError) {
            await Task.yield()
            let fails = state.withLock { state in
                state.suspicions.append(Self.text(suspicion))
                state.left -= 1
                return state.left >= 0
            }
            if fails { throw StepError(.surroundings(dependency), "probe refused") }
        }

        private static func text(_ suspicion: Suspicion) -> String {
            if case .refusals(let commands, _) = suspicion { "refusals of \(commands.count)" } else { "\(suspicion)" }
        }
    }

    private let world = FakeWorld()

    private func health(failing: Int) -> (DependencyHealth, ScriptedProbe) {
        let probe = ScriptedProbe(failing: failing)
        return (
            DependencyHealth(policy: HealthPolicy(), probe: probe, environment: FakeEnvironment(world: world)), probe
        )
    }

    private let refused = StepError(.surroundings(.objectStore), "403", httpStatus: 403)

    @Test func aRefusalIsTheCommandsOwnWhileTheProbeSucceeds() async {
        let (health, probe) = health(failing: 0)
        let judged = await health.judged(refused, of: .objectStore)
        #expect(judged.kind == .transient(limit: 5, thenFailsWith: .storageRefused))
        #expect(health.outages.isEmpty)
        #expect(probe.asked == 1)
    }

    @Test func aFailedProbeOpensAndASuccessfulOneCloses() async {
        let (health, probe) = health(failing: 4)
        let changes = Mutex<[String]>([])
        health.listen { change in
            changes.withLock { changes in
                switch change {
                case .opened(let outage): changes.append("opened \(outage.reason)")
                case .closed: changes.append("closed")
                }
            }
        }
        let judged = await health.judged(refused, of: .objectStore)
        #expect(judged.kind == .surroundings(.objectStore))
        await health.untilHealthy(.objectStore)
        #expect(health.isHealthy(.objectStore))
        #expect(probe.asked == 5)
        #expect(changes.withLock { $0 } == ["opened probe refused", "closed"])
    }

    /// The tenant's pause ends when one of the refused commands is served, whatever it began with.
    @Test func refusalsThatComeUpInAnOutageAreLookedIntoAsSuch() async {
        let (health, probe) = health(failing: 2)
        health.report(.tenant("t"), StepError(.transient(), "no answer"))
        let forbidden = StepError(.permanent(.permissionDenied), "403", httpStatus: 403)
        for number in 1...5 {
            let command = ExportCommand(
                commandID: "c\(number)", tenant: "t", modelID: "m", version: "1", format: "ONNX", metadata: [:])
            _ = health.holds(command, refused: Refusal(stage: .validate, httpStatus: 403), forbidden)
        }
        await health.untilHealthy(.tenant("t"))
        #expect(probe.suspicions.last?.hasPrefix("refusals of 5") == true, "\(probe.suspicions)")
    }

    @Test func aFinalAnswerIsForEverybodyWhereTheProbeIsRefusedToo() async {
        let (health, probe) = health(failing: 2)
        let gone = StepError(.gone, "404", httpStatus: 404)
        #expect(await health.refusesEverybody(.tenant("t"), as: gone))
        await health.untilHealthy(.tenant("t"))
        #expect(probe.asked == 3)
    }

    @Test func aFloodOfFinalAnswersCostsFewProbes() async {
        let (health, probe) = health(failing: 0)
        let refused = StepError(.permanent(.modelNotFound), "404", httpStatus: 404)
        for _ in 0..<100 { #expect(await health.refusesEverybody(.tenant("t"), as: refused) == false) }
        #expect(probe.asked == 1)
        world.with { $0.now += .seconds(1) }
        #expect(await health.refusesEverybody(.tenant("t"), as: refused) == false)
        #expect(probe.asked == 2)
    }

    @Test func manyThatMeetTheSameTroubleShareOneProbe() async {
        let (health, probe) = health(failing: 0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { _ = await health.judged(self.refused, of: .objectStore) } }
        }
        // Whoever comes after the first answer may ask again; a hundred questions at once are a few probes.
        #expect(probe.asked < 100)
    }

    @Test func aTenantThatFailsForAMinuteIsProbed() async {
        let (health, probe) = health(failing: 1)
        let failing = StepError(.transient(), "503", httpStatus: 503)
        let tenant = Dependency.tenant("t")
        for _ in 0..<6 {
            #expect(await health.judged(failing, of: tenant) == failing)
            world.with { $0.now += .seconds(10) }
        }
        #expect(probe.asked == 0)
        #expect(await health.judged(failing, of: tenant).kind == .surroundings(tenant))
        await health.untilHealthy(tenant)
        #expect(await health.judged(failing, of: tenant) == failing)
    }

    @Test func oneSuccessBetweenBeginsTheMinuteAnew() async {
        let (health, probe) = health(failing: 1)
        let failing = StepError(.transient(), "503", httpStatus: 503)
        for _ in 0..<20 {
            _ = await health.judged(failing, of: .tenant("t"))
            world.with { $0.now += .seconds(30) }
            health.succeeded(.tenant("t"))
        }
        #expect(probe.asked == 0)
    }

    @Test func whoWaitsIsLetGoWhenCancelled() async {
        let (health, _) = health(failing: 0)
        health.withhold([.consent(tenant: nil): "stop"])
        let waiting = Task { await health.untilHealthy(.consent(tenant: nil)) }
        waiting.cancel()
        await waiting.value
        #expect(!health.isHealthy(.consent(tenant: nil)))
    }

    @Test func aWorkerThatEndsProbesNoMore() async {
        let (health, probe) = health(failing: .max)
        _ = await health.judged(refused, of: .objectStore)
        health.stop()
        let asked = probe.asked
        _ = await health.judged(refused, of: .objectStore)
        #expect(probe.asked <= asked + 1)
    }
}
