// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// Letting go of deliveries and of runs: never a failed attempt, never a second trigger.
@Suite(.enabled(if: Stack.isAvailable)) struct LettingGoTests {
    private static let model = "size-20KiB-long"

    /// An export that outlasts what the broker lends for: its delivery goes back and comes again, its run goes on.
    @Test(arguments: [1, 2]) func anExportThatOutlastsItsDeliveries(workers: Int) async throws {
        // The shortest there is: the worker lets go after five seconds.
        let shortest = ["NLU_EXPORT_AMQP_CONSUMER_TIMEOUT": "125s"]
        try await Stack.run(configure: Stack.unforgiving) { stack in
            stack.jobsTake(.seconds(3600))
            let log = LogWatch()
            var id = ""
            try await stack.withWorkers(workers, logger: log.logger, overriding: shortest) {
                id = try await stack.submit(model: Self.model)
                let isLentAgain = await log.wait(for: "delivery settled", count: 3) {
                    $0.metadata["settlement"] == "requeue"
                }
                try #require(isLentAgain, "\(log.text)")
                #expect(try await stack.checkpoint(of: id).owner != nil, "the run was let go of with its delivery")
                stack.jobsTake(.milliseconds(1))
                _ = try await stack.events.end(of: id)
                let isDone = await log.wait(for: "delivery settled") { $0.metadata["settlement"] == "acknowledge" }
                try #require(isDone, "\(log.text)")
            }
            #expect(log.settlements.count { $0 == "acknowledge" } == 1, "\(log.text)")
            #expect(log.lines.count { $0.message == "run started" } == 1, "\(log.text)")
            #expect(log.lines.allSatisfy { $0.message != "broker connection lost" }, "\(log.text)")
            try await stack.expectCompleted([id])
            let done = try await stack.checkpoint(of: id)
            #expect(done.epoch == 1)
            #expect(done.attempts == 0)
        }
    }

    /// Interrupted again and again, in every way: the run stays one run, and no attempt is counted.
    @Test func interruptionsAreNoAttempts() async throws {
        try await Stack.run(configure: Stack.unforgiving) { stack in
            stack.jobsTake(.seconds(3600))
            let id = try await stack.submit(model: Self.model)
            for round in 1...3 {
                let log = LogWatch()
                try await stack.withWorkers(logger: log.logger) {
                    try #require(await log.wait(for: "progress"), "\(log.text)")
                }
                #expect(log.settlements == ["requeue"], "\(log.text)")
                let released = try await stack.checkpoint(of: id)
                #expect(released.attempts == 0 && released.owner == nil && released.epoch == 2 * round - 1)
                try await stack.withProcess { worker in
                    try #require(await worker.wait(forErrors: "\"run started\""), "\(worker.errors)")
                }
                let killed = try await stack.checkpoint(of: id)
                #expect(killed.attempts == 0 && killed.owner != nil && killed.epoch == 2 * round)
            }
            stack.jobsTake(.milliseconds(1))
            let log = LogWatch()
            try await stack.withWorkers(logger: log.logger) {
                try #require(await log.wait(for: "delivery settled"), "\(log.text)")
            }
            try await stack.expectCompleted([id])
        }
    }

    // MARK: Leaving while something is out of order

    /// What is out of order when the worker has to leave.
    enum Broken: String, Sendable, CaseIterable { case tenant, store, records }

    @Test(arguments: Broken.allCases) func leavingDuringAPause(_ broken: Broken) async throws {
        try await leave(broken) { stack, log, ids in
            let isBack = try await stack.waitForQueue(stack.names.commands, ready: ids.count, consumers: 0)
            try #require(isBack, "\(log.text)")
        }
    }

    /// The hand-back of the pause and that of the drain meet.
    @Test(arguments: Broken.allCases) func leavingAsThePauseBegins(_ broken: Broken) async throws {
        try await leave(broken) { _, log, _ in
            try #require(await log.wait(for: Stack.paused), "\(log.text)")
        }
    }

    /// A worker meets the fault and is told to end at some point of it; the next one finds it mended.
    private func leave(_ broken: Broken, when isTime: (Stack, LogWatch, [String]) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let configure: (inout [String: String]) -> Void = {
            Stack.unforgiving(&$0)
            if broken == .records { $0["NLU_EXPORT_AUDIT_FILE"] = folder + "/audit.jsonl" }
        }
        try await Stack.runBehindFaultProxy(configure: configure) { stack, store in
            let tenant = try HTTPFaultProxy(to: stack.simulator.port)
            defer { tenant.stop() }
            let stack = stack.reconfigured { $0["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL"] = tenant.endpoint }
            let log = LogWatch()
            var ids: [String] = []
            var rule: HTTPFaultRule?
            if broken == .tenant { rule = tenant.add(.answer(status: 503)) }
            try await stack.withWorkers(logger: log.logger) {
                try #require(await log.wait(for: "consuming"), "\(log.text)")
                if broken == .store { rule = store.add(.cut) }
                for number in 0..<5 { ids.append(try await stack.submit(model: "size-20KiB-left\(number)")) }
                try await isTime(stack, log, ids)
            }
            expectLeft(log)
            #expect(try await stack.waitForReady(stack.names.commands, ids.count), "\(log.text)")
            rule?.end()
            if broken == .records {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            }
            try await stack.withWorkers { for id in ids { _ = try await stack.events.end(of: id) } }
            try await stack.expectCompleted(ids)
            for id in ids { #expect(try await stack.checkpoint(of: id).attempts == 0) }
        }
    }

    private func expectLeft(_ log: LogWatch) {
        #expect(log.lines.contains { $0.message == "drained" }, "\(log.text)")
        #expect(log.lines.allSatisfy { !$0.message.hasPrefix("the grace is over") }, "\(log.text)")
        #expect(log.settlements.allSatisfy { $0 == "requeue" }, "\(log.text)")
    }

    /// The program, paused, ends at once and in good order.
    @Test func theProgramLeavesDuringAPause() async throws {
        try await Stack.runWithTenantProxy { stack, tenant in
            let rule = tenant.add(.answer(status: 503))
            let ids = [
                try await stack.submit(model: "size-20KiB-one"), try await stack.submit(model: "size-20KiB-two"),
            ]
            try await stack.withProcess { worker in
                try #require(await worker.wait(forErrors: Stack.paused), "\(worker.errors)")
                try #require(try await stack.waitForQueue(stack.names.commands, ready: 2, consumers: 0))
                worker.send(SIGTERM)
                #expect(await worker.end() == .exit(0), "\(worker.errors)")
                #expect(!worker.errors.contains("the grace is over"), "\(worker.errors)")
            }
            #expect(try await stack.leases() == [])
            rule.end()
            try await stack.withWorkers { for id in ids { _ = try await stack.events.end(of: id) } }
            try await stack.expectCompleted(ids)
        }
    }
}
