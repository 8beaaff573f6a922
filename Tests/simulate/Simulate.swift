// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import SimulationKit

/// Runs the worker's own pipeline in simulated worlds full of faults, and says whether every promise held.
@main struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Simulates workers, broker, store and tenants under faults that a seed decides.",
        discussion: """
            Every seed is one world: a few workers share a few commands while requests get lost, answers come late,
            processes die, freeze and wake, and whole services are away. The same seed is always the same world.

            Examples:
              ops/simulate --seeds 100000     check the promises in so many worlds
              ops/simulate --seed 4711        one world, and everything that happened in it
            """)

    @Option(help: "Check so many worlds.") var seeds = 1000
    @Option(help: "The first seed.") var from: UInt64 = 1
    @Option(help: "Check this world alone, and print what happens in it.") var seed: UInt64?
    @Option(help: "Worlds at a time.") var jobs = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    @Option(help: "Go on until so many worlds broke a promise.") var failures = 1
    @Flag(help: "With --seed: only the verdict and the digest of the trace.") var quiet = false

    func validate() throws {
        guard seeds > 0, jobs > 0, failures > 0 else {
            throw ValidationError("--seeds, --jobs and --failures must be at least 1")
        }
    }

    func run() throws {
        try Self.fixHashing()
        guard let seed else { return try runMany() }
        CrashReport.install()
        CrashReport.note(seed)
        let report = Simulation.run(seed: seed, keepsTrace: !quiet)
        for line in report.trace { print(line) }
        print(
            "seed \(seed): \(report.jobs) jobs in \(Int(report.virtualSeconds)) virtual seconds, digest "
                + String(report.digest, radix: 16))
        guard let violation = report.violation else { return print("every promise held") }
        print("broken: \(violation)")
        throw ExitCode.failure
    }

    private func runMany() throws {
        CrashReport.install()
        let campaign = Campaign(from: from, count: seeds, threads: jobs, failures: failures)
        let result = campaign.run()
        for report in result.failures.sorted(by: { $0.seed < $1.seed }) {
            print("seed \(report.seed): \(report.violation.map(String.init(describing:)) ?? "")")
            print("  ops/simulate --seed \(report.seed)")
        }
        print(result.summary)
        if !result.failures.isEmpty { throw ExitCode.failure }
    }

    /// The order of sets and dictionaries must not depend on the process: starts the program anew with fixed hashing.
    private static func fixHashing() throws {
        let name = "SWIFT_DETERMINISTIC_HASHING"
        guard ProcessInfo.processInfo.environment[name] == nil else { return }
        unsafe setenv(name, "1", 1)
        unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        throw ValidationError("the program could not start itself anew with \(name): \(errno)")
    }
}
