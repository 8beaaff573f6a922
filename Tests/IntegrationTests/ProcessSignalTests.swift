// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// SIGTERM and SIGINT to the program itself: the first asks for an end in good order, the second ends it at once.
@Suite(.enabled(if: Stack.isAvailable), .timeLimit(.minutes(3))) struct ProcessSignalTests {
    // MARK: run

    @Test(arguments: [SIGTERM, SIGINT]) func theFirstSignalLetsATransferFinish(signal: Int32) async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", query: "partNumber=3")
            let worker = try stack.start(["run"])
            let id = try await stack.submit(model: "size-40MiB-draining")
            try #require(await held.wait(forHits: 1), "\(worker.errors)")
            worker.send(signal)
            try #require(await worker.wait(forErrors: "\"message\":\"draining\""), "\(worker.errors)")
            held.end()
            #expect(await worker.end() == .exit(0), "\(worker.errors)")
            _ = try await stack.events.end(of: id)
            try await stack.expectCompleted([id])
            #expect(try await stack.leases() == [])
        }
    }

    @Test(arguments: [(SIGTERM, SIGTERM), (SIGTERM, SIGINT), (SIGINT, SIGTERM)])
    func theSecondSignalEndsAtOnce(first: Int32, second: Int32) async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", query: "partNumber=3")
            let worker = try stack.start(["run"])
            let id = try await stack.submit(model: "size-40MiB-cut")
            try #require(await held.wait(forHits: 1), "\(worker.errors)")
            worker.send(first)
            try #require(await worker.wait(forErrors: "\"message\":\"draining\""), "\(worker.errors)")
            worker.send(second)
            // Far less than the grace, which the transfer would use up.
            #expect(await worker.end(atMost: .seconds(15)) == .exit(128 + second), "\(worker.errors)")
            #expect(worker.errors.contains("ending at once, at the second signal"), "\(worker.errors)")
            held.end()

            let log = LogWatch()
            try await stack.withWorkers(logger: log.logger) { _ = try await stack.events.end(of: id) }
            #expect(log.settlements == ["acknowledge"], "\(log.text)")
            try await stack.expectCompleted([id])
            #expect(try await stack.checkpoint(of: id).epoch == 2)
        }
    }

    // MARK: export and submit

    @Test func exportLetsGoAtTheFirstSignal() async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", query: "partNumber=3")
            let arguments = ["export", "--model", "size-40MiB-here", "--version", "1", "--command-id", "by-hand"]
            let export = try stack.start(arguments)
            try #require(await held.wait(forHits: 1), "\(export.errors)")
            export.send(SIGINT)
            #expect(await export.end() == .exit(75), "\(export.errors)")
            #expect(export.errors.contains("--command-id by-hand"), "\(export.errors)")
            held.end()
            #expect(try await stack.checkpoint(of: "by-hand").owner == nil)
            #expect(try await stack.leases() == [])

            let again = try stack.start(arguments)
            #expect(await again.end() == .exit(0), "\(again.errors)")
            #expect(stack.simulator.log.triggers.count == 1)
        }
    }

    @Test func exportEndsAtTheSecondSignal() async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", query: "partNumber=3")
            let export = try stack.start(["export", "--model", "size-40MiB-here", "--version", "1"])
            try #require(await held.wait(forHits: 1), "\(export.errors)")
            // What the first signal waits for: the removal of its lease, which hangs.
            let stuck = proxy.add(.hold, method: "DELETE", path: "/state/_workers/")
            export.send(SIGINT)
            try #require(await stuck.wait(forHits: 1), "\(export.errors)")
            export.send(SIGINT)
            #expect(await export.end() == .exit(128 + SIGINT), "\(export.errors)")
            held.end()
            stuck.end()
        }
    }

    @Test func submitStopsWaitingAtTheFirstSignal() async throws {
        try await Stack.run { stack in
            let submit = try stack.start(["submit", "--model", "m", "--version", "1", "--wait"])
            let isThere = try await stack.waitForReady(stack.names.commands, 1)
            try #require(isThere, "\(submit.errors)")
            submit.send(SIGTERM)
            #expect(await submit.end() == .exit(75), "\(submit.errors)")
            #expect(submit.errors.contains("is not decided yet"), "\(submit.errors)")
            #expect(try await stack.ready(stack.names.commands) == 1)
        }
    }

    @Test func submitWithoutABrokerEndsInTimeToo() async throws {
        try await Stack.run { stack in
            let submit = try stack.start(
                ["submit", "--model", "m", "--version", "1", "--wait", "--timeout", "1s", "--command-id", "lost"],
                overriding: ["NLU_EXPORT_AMQP_URL": "amqp://guest:guest@127.0.0.1:1/%2f"])
            #expect(await submit.end(atMost: .seconds(60)) == .exit(75), "\(submit.errors)")
            #expect(submit.errors.contains("lost may not have been submitted"), "\(submit.errors)")
        }
    }
}
