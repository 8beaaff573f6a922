// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import ChaosKit
internal import Foundation

/// The command line of chaos runs: options in, tables out.
@main
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Lets real workers export under kill -9, outages and partitions, and checks what is left.",
        discussion: """
            Started by ops/chaos, which brings up RabbitMQ and an S3 server first. The tenant is simulated in this \
            process; it keeps a log of every trigger. Each run has queues, a bucket and a tenant of its own.

            Afterwards there must be for each command: one object with the right bytes, one audited success in the \
            bucket, one completion event id, and no more jobs than runs; nothing dead, nothing left in the queue.

            EXAMPLE
              ops/chaos --commands 200 --workers 3 --kill-every 500ms --only kill,zombie --seed 42

            KINDS OF TROUBLE (--only, --without)
            \(FaultKind.allCases.map { "  \($0.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)) \($0.summary)" }
                .joined(separator: "\n"))

            EXIT CODES
              0  everything holds in every run
              1  something does not; commands and logs are named
            """)

    @OptionGroup var options: ChaosArguments
    @OptionGroup var servers: ServerArguments

    mutating func run() async throws {
        let seed = options.seed ?? UInt64.random(in: 1...999_999)
        let signals = StopSignals()
        let (options, servers) = (options, try servers.servers())
        let work = Task { try await Self.runAll(options, servers, seed: seed) }
        let stopping = Task {
            await signals.wait()
            work.cancel()
        }
        defer { stopping.cancel() }
        do {
            if try await !work.value { throw ExitCode(1) }
        } catch is CancellationError {
            throw ExitCode(130)
        }
    }

    /// One run after another; false when something did not hold in one of them, with which it ends.
    private static func runAll(
        _ arguments: ChaosArguments, _ servers: ChaosServers, seed: UInt64
    ) async throws -> Bool {
        let root = arguments.directory ?? NSTemporaryDirectory() + "chaos-\(UUID().uuidString.prefix(8))"
        for number in 1...arguments.runs {
            var options = try arguments.options()
            options.seed = seed &+ UInt64(number - 1)
            let directory = "\(root)/run-\(number)"
            let run = ChaosRun(options: options, servers: servers, directory: directory, progress: ProgressLine.show)
            announce(number, arguments.runs, options, run.faults)
            let report: Report
            do { report = try await run.run() } catch {
                ProgressLine.end()
                if !(error is CancellationError) {
                    print("  the run could not be carried out: \(error)\n  logs: \(directory)")
                }
                throw error
            }
            ProgressLine.end()
            print(report.text)
            guard report.isGood else {
                print("  logs and evidence: \(directory)")
                return false
            }
        }
        if arguments.directory == nil { try? FileManager.default.removeItem(atPath: root) }
        return true
    }

    private static func announce(_ number: Int, _ runs: Int, _ options: ChaosOptions, _ faults: Set<FaultKind>) {
        print(
            "==> Run \(number) of \(runs): \(options.commands) commands, \(options.workers) workers, seed \(options.seed)"
        )
        let missing = options.faults.subtracting(faults).map(\.rawValue).sorted()
        if !missing.isEmpty {
            print("    left out, for the servers are somebody else's: \(missing.joined(separator: ", "))")
        }
        fflush(nil)
    }
}
