// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// Runs the scenario of one seed from beginning to end and says whether every promise held.
package struct Simulation: Sendable {
    /// What came of it.
    package struct Report: Sendable {
        package let seed: UInt64
        package let violation: Violation?
        /// Tells whether two runs were the same.
        package let digest: UInt64
        /// What happened, where it was asked for.
        package let trace: [String]
        package let seen: Seen
        /// How many jobs of Swift concurrency ran, and how far the clock went.
        package let jobs: Int
        package let virtualSeconds: Double
    }

    /// More jobs than any simulation needs: something runs in circles.
    private static let maximumJobs = 2_000_000
    /// How long after the last fault everything must be settled.
    private static let patience: Instant = 6 * 60 * .minute

    private let world: World

    package static func run(seed: UInt64, keepsTrace: Bool = false) -> Report {
        let simulation = Simulation(world: World(Scenario(seed: seed), keepsTrace: keepsTrace))
        simulation.world.jobs.withThread { simulation.run() }
        return simulation.report
    }

    private func run() {
        schedule()
        repeat {
            while world.checks.violation == nil, runJob() {}
            if world.jobs.ran > Self.maximumJobs { world.checks.fail("virtual-time", "it runs in circles") }
            guard world.checks.violation == nil, !world.isOver else { break }
            guard let action = world.clock.advance() else { break }
            action()
        } while true
        // After the end nothing counts any more: the last look comes before it.
        if world.checks.violation == nil, !world.isOver { world.checks.finish() }
        letGo()
    }

    private func runJob() -> Bool {
        guard let job = world.jobs.take(&world.random) else { return false }
        world.jobs.run(job)
        return true
    }

    private func schedule() {
        let (scenario, world) = (world.scenario, world)
        for host in 0..<scenario.hosts { world.start(host: host) }
        for (number, command) in scenario.commands.enumerated() {
            for copy in command.copies { world.publish(number, copy, after: copy.at) }
            if let at = command.vanishesAt { world.after(at) { world.vanish(number) } }
        }
        for (at, incident) in scenario.incidents { world.after(at) { world.happen(incident) } }
        world.after(scenario.calmAt) { world.calmDown() }
        lookForEnd()
    }

    /// Ends the simulation once everything is settled, everybody is awake, and what comes late has landed.
    private func lookForEnd() {
        for worker in world.hosts { worker.checkPauses() }
        let isQuiet =
            world.pendingPublications == 0 && world.pendingEffects == 0 && world.broker.isDone
            && world.hosts.allSatisfy { $0.process.condition == .running && $0.isIdle }
        guard !isQuiet, world.clock.now <= world.scenario.calmAt + Self.patience else {
            world.checks.finish()
            return world.end()
        }
        world.after(5 * .second) { lookForEnd() }
    }

    /// Lets every task of the simulation come to its end, so that it leaves nothing behind.
    private func letGo() {
        world.end()
        world.clock.removeAll()
        for _ in 0..<8 {
            for worker in world.workers { worker.abandon() }
            var budget = 200_000
            while budget > 0, runJob() { budget -= 1 }
        }
        world.clear()
    }

    private var report: Report {
        Report(
            seed: world.scenario.seed, violation: world.checks.violation, digest: world.trace.digest,
            trace: world.trace.lines, seen: world.seen, jobs: world.jobs.ran,
            virtualSeconds: Double(world.clock.now) / 1e6)
    }
}
