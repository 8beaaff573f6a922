// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import Foundation
import TestKit
import Testing

/// A tenant that is down holds its own commands and nobody else's.
@Suite(.enabled(if: Stack.isAvailable)) struct TenantIsolationTests {
    @Test func onASharedQueueOnlyTheIllTenantsCommandsAreHeld() async throws {
        try await run(prefetch: 8) { stack, rule in
            let log = LogWatch()
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                for number in 0..<3 { ids.append(try await stack.submit("ill\(number)", tenant: "ill")) }
                try #require(await log.wait(for: "command waits for a dependency", count: 3), "\(log.text)")
                for number in 0..<12 {
                    ids.append(try await stack.submit("well\(number)", tenant: "default"))
                    _ = try await stack.events.end(of: ids[number + 3])
                }
                #expect(try await stack.queueState(stack.names.commands) == QueueCounts(ready: 0, consumers: 1))
                #expect(!log.settlements.contains("requeue"), "\(log.text)")
                rule.end()
                for id in ids { _ = try await stack.events.end(of: id) }
            }
            try await Self.expectCompleted(stack, ids, log)
        }
    }

    @Test func aSharedQueueFullOfThemIsPausedAndResumes() async throws {
        try await run(prefetch: 4) { stack, rule in
            let log = LogWatch()
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                for number in 0..<6 { ids.append(try await stack.submit("ill\(number)", tenant: "ill")) }
                for number in 0..<3 { ids.append(try await stack.submit("well\(number)", tenant: "default")) }
                let isFull = try await stack.waitForQueue(stack.names.commands, ready: ids.count, consumers: 0)
                try #require(isFull, "\(log.text)")
                try #require(await rule.wait(forHits: 200))
                let counts = try await stack.deliveryCounts()
                #expect(counts.count == ids.count)
                #expect(counts.allSatisfy { $0 <= 1 }, "\(counts)")
                rule.end()
                for id in ids { _ = try await stack.events.end(of: id) }
            }
            try await Self.expectCompleted(stack, ids, log)
        }
    }

    @Test func aQueueOfItsOwnLeavesTheOthersAlone() async throws {
        try await run(prefetch: 4, queueOfItsOwn: true) { stack, rule in
            let queue = Self.ownQueue(stack.names.commands)
            let log = LogWatch()
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                for number in 0..<6 { ids.append(try await stack.submit("ill\(number)", tenant: "ill", to: queue)) }
                try #require(try await stack.waitForQueue(queue, ready: 6, consumers: 0), "\(log.text)")
                for number in 0..<12 {
                    ids.append(try await stack.submit("well\(number)", tenant: "default"))
                    _ = try await stack.events.end(of: ids[number + 6])
                }
                let other = try await stack.queueState(stack.names.commands)
                #expect(other == QueueCounts(ready: 0, consumers: 1))
                let starts = log.lines.filter { $0.message == "consuming" }
                #expect(starts.count { $0.metadata["queue"] == stack.names.commands } == 1, "\(log.text)")
                try #require(await rule.wait(forHits: 200))
                #expect(try await stack.queueState(queue) == QueueCounts(ready: 6, consumers: 0))
                rule.end()
                for id in ids { _ = try await stack.events.end(of: id) }
            }
            try await Self.expectCompleted(stack, ids, log)
        }
    }

    private static func ownQueue(_ commands: String) -> String { commands + ".ill" }

    /// A stack with two tenants, one of them down until the rule ends.
    private func run(
        prefetch: Int, queueOfItsOwn: Bool = false, _ body: (Stack, HTTPFaultRule) async throws -> Void
    ) async throws {
        let configure: (inout [String: String]) -> Void = { variables in
            Stack.unforgiving(&variables)
            variables["NLU_EXPORT_AMQP_PREFETCH"] = "\(prefetch)"
            variables["NLU_EXPORT_COGNIGY_TENANT_NAMES"] = "default,ill"
            for name in ["BASE_URL", "CLIENT_ID", "CLIENT_SECRET"] {
                variables["NLU_EXPORT_COGNIGY_TENANTS_ILL_\(name)"] =
                    variables["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_\(name)"]
            }
            variables["NLU_EXPORT_S3_KEY_TEMPLATE"] = "nlu-exports/{tenant}/{modelId}/{version}/{exportId}.{extension}"
            if queueOfItsOwn {
                let commands = variables["NLU_EXPORT_AMQP_COMMANDS_QUEUES"] ?? ""
                variables["NLU_EXPORT_AMQP_COMMANDS_QUEUES"] = "\(commands),\(Self.ownQueue(commands))"
            }
        }
        try await Stack.run(configure: configure) { bare in
            let proxy = try HTTPFaultProxy(to: bare.simulator.port)
            defer { proxy.stop() }
            let stack = bare.reconfigured { $0["NLU_EXPORT_COGNIGY_TENANTS_ILL_BASE_URL"] = proxy.endpoint }
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(stack, proxy.add(.answer(status: 503))))
            } catch {
                outcome = .failure(error)
            }
            if queueOfItsOwn { try await AMQPTestBroker.delete(Self.ownQueue(stack.names.commands)) }
            try outcome.get()
        }
    }

    private static func expectCompleted(_ stack: Stack, _ ids: [String], _ log: LogWatch) async throws {
        stack.expectNothingCounted(log, ids)
        #expect(try await stack.waitForReady(stack.names.commands, 0))
        #expect(try await stack.ready(stack.names.dead) == 0)
        #expect(stack.simulator.log.triggers.count == ids.count)
        #expect(Set(stack.events.all.map(\.id)).count == ids.count)
        #expect(stack.events.all.allSatisfy { $0.routingKey == "nlu.export.completed" })
        #expect(try await stack.audits().compactMap { $0["command_id"] as? String }.sorted() == ids.sorted())
        #expect(try await stack.artifacts().count == ids.count)
    }
}

extension Stack {
    /// Puts a command for a tenant on a queue (the usual one) under an id of its own, which is returned.
    fileprivate func submit(_ name: String, tenant: String, to queue: String? = nil) async throws -> String {
        let id = UUID().uuidString
        let body =
            #"{"commandId":"\#(id)","tenant":"\#(tenant)","modelId":"size-20KiB-\#(name)","version":"1.0.0"}"#
        let message = AMQPMessage(
            exchange: names.commands, routingKey: queue ?? names.commands,
            properties: AMQPProperties(contentType: "application/json", deliveryMode: .persistent, messageID: id),
            body: Array(body.utf8))
        try await onBroker { session throws(AMQPError) in _ = try session.publish(message) }
        return id
    }
}
