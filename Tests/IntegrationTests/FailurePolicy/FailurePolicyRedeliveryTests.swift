// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import Testing

/// A command delivered again after it was decided repeats only what is idempotent (P4, P5); a replay is a new run.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyRedeliveryTests {
    @Test func afterASuccess() async throws {
        let row = PolicyRow.succeeds("policy-again")
        try await Self.playTwice(row) { before, aftermath in
            #expect(aftermath.letters.isEmpty)
            #expect(aftermath.log.triggers.count == 1)
            #expect(aftermath.log.downloads.count == 1)
            #expect(aftermath.log.requests == before.requests, "the tenant was not asked again")
            let settlements = aftermath.logs.lines(of: row.commandID, "delivery settled")
            #expect(settlements.compactMap { $0.metadata["settlement"] } == ["acknowledge", "acknowledge"])
        }
    }

    @Test func afterAFailure() async throws {
        let row = PolicyRow.fails("scenario-job-failed", .exportFailed, at: .poll)
        try await Self.playTwice(row) { before, aftermath in
            #expect(aftermath.letters(of: row.commandID).count == 2)
            #expect(aftermath.log.triggers.count == 1)
            #expect(aftermath.log.requests == before.requests, "the tenant was not asked again")
            let settlements = aftermath.logs.lines(of: row.commandID, "delivery settled")
            #expect(settlements.compactMap { $0.metadata["settlement"] } == ["reject", "reject"])
        }
    }

    /// Sends the same message twice, the second time when the first is settled.
    private static func playTwice(
        _ row: PolicyRow, _ check: (_ before: BeforeSecond, _ aftermath: Aftermath) throws -> Void
    ) async throws {
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            var before = BeforeSecond()
            let aftermath = try await stack.aftermath {
                try await stack.publish(row)
                _ = try await stack.events.end(of: row.commandID)
                before = try await BeforeSecond(stack, row)
                try await stack.publish(row)
                let isAnnounced = await stack.events.wait { $0.count { $0.commandID == row.commandID } == 2 }
                try #require(isAnnounced)
            }
            let events = aftermath.finals(of: row.commandID)
            #expect(events.count == 2)
            #expect(Set(events.map(\.id)).count == 1)
            #expect(Set(events.map(\.body)).count == 1)
            #expect(aftermath.audits.map(\.key) == before.audits.map(\.key))
            #expect(aftermath.audits.map(\.bytes) == before.audits.map(\.bytes))
            #expect(aftermath.audits.count == 1)
            #expect(try await stack.checkpoint(of: row) == before.checkpoint, "decided once")
            #expect(try await stack.waitForReady(stack.names.commands, 0))
            #expect(aftermath.log.leaks.isEmpty)
            try check(before, aftermath)
        }
    }

    /// `nlu-replay` says that somebody wants it tried again: another run, with a record and an event of its own.
    @Test func aReplayAfterAFailure() async throws {
        let row = PolicyRow.succeeds("scenario-job-failed-once", jobs: 2)
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let aftermath = try await stack.aftermath {
                try await stack.publish(row)
                _ = try await stack.events.end(of: row.commandID)
                var properties = AMQPProperties(
                    contentType: "application/json", deliveryMode: .persistent, messageID: row.commandID)
                properties.headers["nlu-replay"] = .string(UUID().uuidString)
                try await stack.publish(row.commandBody, properties)
                let isAnnounced = await stack.events.wait { $0.count { $0.commandID == row.commandID } == 2 }
                try #require(isAnnounced)
            }
            let events = aftermath.finals(of: row.commandID)
            #expect(events.map(\.routingKey) == ["nlu.export.failed", "nlu.export.completed"])
            #expect(Set(events.map(\.id)).count == 2)
            #expect(Set(aftermath.audits.compactMap(\.outcome)) == ["FAILURE", "SUCCESS"])
            #expect(aftermath.audits.count == 2)
            #expect(aftermath.log.jobCount(model: row.model) == 2)
            #expect(Set(aftermath.log.triggers.compactMap(\.runID)).count == 2)
            #expect(aftermath.letters(of: row.commandID).count == 1)
            #expect(try await stack.artifacts().count == 1)
            #expect(try await stack.store.listMultipartUploads().isEmpty)
        }
    }

    /// Without a command id the message id is the command's; without that either, a fresh message is a fresh run.
    @Test func commandsWithoutAnID() async throws {
        let body = Array(#"{"modelId":"policy-nameless","version":"1.0.0"}"#.utf8)
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let aftermath = try await stack.aftermath {
                for (count, messageID) in [nil, nil, "message-1", "message-1"].enumerated() {
                    try await stack.publish(body, AMQPProperties(deliveryMode: .persistent, messageID: messageID))
                    let isAnnounced = await stack.events.wait { $0.count == count + 1 }
                    try #require(isAnnounced)
                }
            }
            let names = aftermath.events.map { $0.commandID ?? "" }
            #expect(names[0].hasPrefix("fp-"))
            #expect(names == [names[0], names[0], "message-1", "message-1"])
            #expect(aftermath.events.map(\.routingKey) == Array(repeating: "nlu.export.completed", count: 4))
            #expect(Set(aftermath.events.map(\.id)).count == 3)
            #expect(aftermath.audits.count == 3)
            #expect(aftermath.log.triggers.count == 3)
            #expect(aftermath.letters.isEmpty)
        }
    }

    /// A command that the broker is about to drop fails with a reason instead.
    @Test func deliveriesThatAreUsedUp() async throws {
        let row = PolicyRow.fails("policy-worn", .deliveriesExhausted, at: .receive, says: ["amqp.deliveryLimit"])
        try await Stack.run(simulator: .policy) { variables in
            Stack.forTables(&variables)
            variables["NLU_EXPORT_AMQP_DELIVERY_LIMIT"] = "20"
        } _: { stack in
            try await stack.publish(row)
            try await stack.handBack(10)
            let aftermath = try await stack.aftermath { try await stack.awaitEnds(of: [row], atMost: .seconds(60)) }
            try await stack.check([row], aftermath)
            #expect(aftermath.log.requests.isEmpty)
        }
    }

    /// The object of a success is gone: the command is carried out again.
    @Test func afterTheObjectVanished() async throws {
        let row = PolicyRow.succeeds("policy-vanished", jobs: 2)
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let aftermath = try await stack.aftermath {
                try await stack.publish(row)
                let first = try await stack.events.end(of: row.commandID)
                let key = try #require(stack.key(of: first))
                try await stack.store.delete(key)
                try await stack.publish(row)
                let isAnnounced = await stack.events.wait { $0.count { $0.commandID == row.commandID } == 2 }
                try #require(isAnnounced)
            }
            #expect(
                aftermath.finals(of: row.commandID).map(\.routingKey) == [
                    "nlu.export.completed", "nlu.export.completed",
                ])
            #expect(Set(aftermath.events.map(\.id)).count == 2)
            #expect(aftermath.audits.count == 2)
            #expect(aftermath.log.jobCount(model: row.model) == 2)
            #expect(try await stack.artifacts().count == 1)
            #expect(aftermath.letters.isEmpty)
        }
    }
}

/// What there was when the first of two deliveries had been decided.
struct BeforeSecond {
    var requests: [String: Int] = [:]
    var audits: [AuditDocument] = []
    var checkpoint: [UInt8] = []

    init() {}

    init(_ stack: Stack, _ row: PolicyRow) async throws {
        requests = stack.simulator.log.requests
        audits = try await stack.auditDocuments()
        checkpoint = try await stack.checkpoint(of: row)
    }
}

extension Stack {
    /// Takes the first command and returns it, again and again. Brokers from 4.3 on count only what a lost connection
    /// returns, so there the connection is dropped each time with the command unsettled.
    func handBack(_ times: Int) async throws {
        let queue = names.commands
        for _ in 0..<times {
            try #require(try await waitForReady(queue, 1))
            try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration()) { session throws(AMQPError) in
                guard let delivery = try session.get(queue: queue) else { return }
                if !session.server.isAtLeast(4, 3) { _ = try session.settle(delivery.tag, .requeue) }
            }
        }
        try #require(try await waitForReady(queue, 1))
    }

    func checkpoint(of row: PolicyRow) async throws -> [UInt8] {
        let key = StateKeys().checkpoint(tenant: row.tenant, commandID: row.commandID)
        return try await store.get(key, maximumBytes: 1 << 20).bytes
    }
}
