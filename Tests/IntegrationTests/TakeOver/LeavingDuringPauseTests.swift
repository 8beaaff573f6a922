// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// A worker that is told to end while something is out of order: it goes at once, and nothing is lost or counted.
@Suite(.enabled(if: Stack.isAvailable)) struct LeavingDuringPauseTests {
    /// What is out of order when the worker has to leave.
    enum Broken: String, Sendable, CaseIterable { case tenant, store, records, broker }

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
        let broker = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { broker.close() }
        let url = try Stack.brokerURL(port: broker.port)
        let configure: (inout [String: String]) -> Void = {
            Stack.unforgiving(&$0)
            $0["NLU_EXPORT_AMQP_URL"] = url
            $0["NLU_EXPORT_AMQP_HEARTBEAT"] = "1s"
            if broken == .records { $0["NLU_EXPORT_AUDIT_FILE"] = folder + "/audit.jsonl" }
        }
        try await Stack.runBehindFaultProxy(configure: configure) { stack, store in
            let tenant = try HTTPFaultProxy(to: stack.simulator.port)
            defer { tenant.stop() }
            let stack = stack.reconfigured { $0["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL"] = tenant.endpoint }
            let log = LogWatch()
            var ids: [String] = []
            let alarm = BrokerAlarm(on: broker)
            try await stack.withWorkers(logger: log.logger) {
                try #require(await log.wait(for: "consuming"), "\(log.text)")
                if broken == .tenant { tenant.add(.answer(status: 503)) }
                if broken == .store { store.add(.cut) }
                if broken == .broker { stack.jobsTake(.seconds(3600)) }
                for number in 0..<5 { ids.append(try await stack.submit(model: "size-20KiB-left\(number)")) }
                if broken == .broker { try await sound(alarm, stack, log) }
                try await isTime(stack, log, ids)
            }
            expectLeft(log)
            #expect(try await stack.waitForReady(stack.names.commands, ids.count), "\(log.text)")
            alarm.end()
            if broken == .records {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            }
            try await carryOn(stack, ids)
        }
    }

    /// The alarm comes while the jobs are under way; they end when it is known.
    private func sound(_ alarm: BrokerAlarm, _ stack: Stack, _ log: LogWatch) async throws {
        try #require(await stack.waitForRequests(5, .poll), "\(log.text)")
        alarm.sound()
        try #require(await log.wait(for: Stack.paused) { $0.names("broker") }, "\(log.text)")
        stack.jobsTake(.milliseconds(1))
    }

    /// A worker that nothing is in the way of carries out all of them.
    private func carryOn(_ stack: Stack, _ ids: [String]) async throws {
        let server = try #require(ObjectStoreServer.shared)
        let mended = [
            "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": stack.simulator.baseURL,
            "NLU_EXPORT_S3_ENDPOINT": server.endpoint,
        ]
        try await stack.withWorkers(overriding: mended) { for id in ids { _ = try await stack.events.end(of: id) } }
        try await stack.expectCompleted(ids)
        for id in ids { #expect(try await stack.checkpoint(of: id).attempts == 0) }
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
