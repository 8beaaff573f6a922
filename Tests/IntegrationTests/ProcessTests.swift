// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// The program as it is installed: signals, exit codes, what it prints, what it takes.
@Suite(.enabled(if: Stack.isAvailable)) struct ProcessTests {
    // MARK: run

    @Test func runEndsInGoodOrderOnSIGTERM() async throws {
        try await Stack.run { stack in
            let worker = try program(["run"], stack.variables)
            try #require(await worker.wait(forErrors: "\"message\":\"consuming\""), "\(worker.errors)")
            let id = try await stack.submit(model: "size-20KiB-run")
            _ = try await stack.events.end(of: id)
            worker.send(SIGTERM)
            #expect(await worker.end() == .exit(0), "\(worker.errors)")
            #expect(worker.output.isEmpty)
            #expect(try await stack.leases() == [])
            try await stack.expectCompleted([id])
        }
    }

    @Test func aKilledWorkerIsSucceeded() async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", query: "partNumber=3")
            let worker = try program(["run"], stack.variables)
            let id = try await stack.submit(model: "size-40MiB-killed")
            try #require(await held.wait(forHits: 1), "\(worker.errors)")
            worker.send(SIGKILL)
            #expect(await worker.end() == .signal(SIGKILL))
            held.end()
            #expect(try await stack.store.listMultipartUploads().count == 1, "it was in the middle of an upload")
            let log = LogWatch()
            try await stack.withWorkers(logger: log.logger) {
                let isThere = await log.wait(for: "delivery settled")
                #expect(isThere, "\(log.text)")
            }
            #expect(log.settlements == ["acknowledge"], "\(log.text)")
            _ = try await stack.events.end(of: id)
            try await stack.expectCompleted([id])
            #expect(try await stack.checkpoint(of: id).epoch == 2)
        }
    }

    // MARK: submit

    @Test func submitWaitsForTheOutcome() async throws {
        try await Stack.run { stack in
            try await stack.withWorkers {
                let good = try program(
                    ["submit", "--model", "size-20KiB-good", "--version", "1", "--wait"], stack.variables)
                #expect(await good.end() == .exit(0), "\(good.errors)")
                #expect((good.output + good.errors).contains("s3://\(stack.store.configuration.bucket)/nlu-exports/"))

                let bad = try program(
                    ["submit", "--model", "scenario-job-failed", "--version", "1", "--wait", "--output", "json"],
                    stack.variables)
                #expect(await bad.end() == .exit(65), "\(bad.errors)")
                let event = try JSONSerialization.jsonObject(with: Data(bad.output.utf8)) as? [String: Any]
                #expect(event?["event"] as? String == "nlu_model_export_failed")
                #expect(bad.errors.contains("export_failed"))
            }
            let isDead = try await stack.waitForReady(stack.names.dead, 1)
            #expect(isDead, "the failed command is no dead letter")
        }
    }

    @Test func submitWithoutAWorkerGivesUpInTime() async throws {
        try await Stack.run { stack in
            let submit = try program(
                ["submit", "--model", "m", "--version", "1", "--wait", "--timeout", "1s"], stack.variables)
            #expect(await submit.end() == .exit(75), "\(submit.errors)")
            let isThere = try await stack.waitForReady(stack.names.commands, 1)
            #expect(isThere)
        }
    }

    // MARK: export

    @Test func exportNeedsNoBroker() async throws {
        try await Stack.run { stack in
            let good = try program(["export", "--model", "size-20KiB-here", "--version", "1"], withoutBroker(stack))
            #expect(await good.end() == .exit(0), "\(good.errors)")
            #expect(good.output.hasPrefix("s3://\(stack.store.configuration.bucket)/nlu-exports/size-20KiB-here/1/"))
            #expect(try await stack.audits().map { $0["outcome"] as? String } == ["SUCCESS"])

            let bad = try program(
                ["export", "--model", "scenario-model-missing", "--version", "1", "--output", "json"],
                withoutBroker(stack))
            #expect(await bad.end() == .exit(65), "\(bad.errors)")
            #expect(bad.output.contains("\"model_not_found\""))
            #expect(try await stack.audits().count == 2)
            #expect(try await stack.leases() == [])
        }
    }

    @Test func exportOfAGibibyteStaysSmall() async throws {
        try await Stack.run { stack in
            let export = try program(
                ["export", "--model", "size-1GiB-big", "--version", "1", "--output", "json"], withoutBroker(stack))
            #expect(await export.end(atMost: .seconds(900)) == .exit(0), "\(export.errors)")
            #expect(try await stack.artifacts().map(\.size) == [1 << 30])
            let event = try JSONSerialization.jsonObject(with: Data(export.output.utf8)) as? [String: Any]
            let data = event?["data"] as? [String: Any]
            let expected = ArtifactContent.sha256(model: "size-1GiB-big", version: "1", size: 1 << 30)
            #expect(data?["artifactSha256"] as? String == expected)
            #expect((1..<(128 << 20)).contains(export.peakMemory) || Sanitizers.areAtWork)
            print("export of 1 GiB: peak memory \(export.peakMemory >> 20) MiB, \(data?["durationSeconds"] ?? "?") s")
        }
    }

    // MARK: configuration

    @Test(arguments: [
        ("NLU_EXPORT_JOB_POLL_INITIAL", "soon", "job.pollInitial"), ("NLU_EXPORT_AMQP_PREFETCH", "0", "amqp.prefetch"),
        ("NLU_EXPORT_S3_BUCKET", "", "s3.bucket"),
    ]) func aWrongConfigurationIsNamed(variable: String, value: String, key: String) async throws {
        try await Stack.run { stack in
            let worker = try program(["run"], stack.variables.merging([variable: value]) { $1 })
            #expect(await worker.end() == .exit(78))
            #expect(worker.errors.contains(key), "\(worker.errors)")
        }
    }

    // MARK: Parts

    /// Runs the program that was built beside the tests.
    private func program(_ arguments: [String], _ variables: [String: String]) throws -> ChildProcess {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: tests).deletingLastPathComponent().appending(path: "nlu-export-worker").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
        var environment = variables
        let own = ProcessInfo.processInfo.environment
        for name in ["PATH", "HOME", "LD_LIBRARY_PATH"] { environment[name] = own[name] }
        return try ChildProcess(path, arguments, environment: environment)
    }

    /// Nothing of a broker that could be reached.
    private func withoutBroker(_ stack: Stack) -> [String: String] {
        stack.variables.filter { !$0.key.hasPrefix("NLU_EXPORT_AMQP_") }
            .merging(["NLU_EXPORT_AMQP_URL": "amqp://nobody:nothing@127.0.0.1:1/"]) { $1 }
    }
}
