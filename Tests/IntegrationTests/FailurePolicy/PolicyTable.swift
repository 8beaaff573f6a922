// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import Testing

/// Everything that a worker left behind after it was stopped.
struct Aftermath {
    let logs: LogWatch
    let log: SimulatorLog
    let events: [RecordedEvent]
    /// The audit records by `command_id`, each as it lies in the bucket.
    let audits: [AuditDocument]
    let letters: [AMQPDelivery]
    /// Every key of the bucket.
    let keys: Set<String>

    func audits(of commandID: String) -> [AuditDocument] { audits.filter { $0.commandID == commandID } }

    func finals(of commandID: String) -> [RecordedEvent] {
        events.filter { $0.commandID == commandID && $0.isFinal }
    }

    func letters(of messageID: String) -> [AMQPDelivery] { letters.filter { $0.properties.messageID == messageID } }
}

/// An audit record with its bytes.
struct AuditDocument: Sendable {
    let key: String
    let bytes: [UInt8]
    let members: [String: any Sendable]

    var commandID: String? { members["command_id"] as? String }
    var outcome: String? { members["outcome"] as? String }
    var error: [String: any Sendable] { members["error"] as? [String: any Sendable] ?? [:] }
    var flags: [String: Bool]? { members["compliance_flags"] as? [String: Bool] }

    init(key: String, bytes: [UInt8]) throws {
        self.key = key
        self.bytes = bytes
        members = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: any Sendable], "\(key)")
    }
}

extension LogWatch {
    func lines(of commandID: String, _ message: String) -> [Line] {
        lines.filter { $0.message == message && $0.metadata["command.id"] == commandID }
    }
}

extension LogWatch.Line {
    /// Everything that the line says.
    var text: String { "\(message) \(metadata)" }
}

extension RecordedEvent {
    var isFinal: Bool { routingKey == "nlu.export.completed" || routingKey == "nlu.export.failed" }
    var message: String { error["message"] as? String ?? "" }
    func header(_ name: String) -> String? { properties.headers[name]?.stringValue }
}

extension SimulatorConfiguration {
    /// A tenant for tables: quick jobs, small artifacts, and a secret that is not to be found anywhere by chance.
    static var policy: SimulatorConfiguration {
        var configuration = SimulatorConfiguration.fast
        configuration.artifactSize = ByteSize(PolicyRow.artifactSize)
        configuration.clientSecret = "client-secret-\(UUID().uuidString)"
        return configuration
    }
}

extension Stack {
    /// What every table's worker has beside the settings of a stack: all rows in flight at once.
    static func forTables(_ variables: inout [String: String]) {
        variables["NLU_EXPORT_AMQP_PREFETCH"] = "100"
        variables["NLU_EXPORT_HEALTH_SUSPECT_AFTER"] = "1000"
        variables["NLU_EXPORT_TRANSFER_CONCURRENCY"] = "8"
        variables["NLU_EXPORT_TRANSFER_MEMORY_BUDGET"] = "160MiB"
    }

    /// A stack of its own for a table: sends a command for each row, waits until each has ended, and holds what is left
    /// against the rows.
    ///
    /// - Parameter meanwhile: runs once all commands are sent; returns the keys of what it put into the bucket itself.
    static func play(
        _ rows: [PolicyRow], simulator configuration: SimulatorConfiguration = .policy,
        configure: (inout [String: String]) -> Void = { _ in }, atMost bound: Duration = .seconds(90),
        meanwhile: (Stack) async throws -> Set<String> = { _ in [] },
        then check: (Stack, Aftermath) async throws -> Void = { _, _ in }
    ) async throws {
        try await run(simulator: configuration) { variables in
            forTables(&variables)
            configure(&variables)
        } _: { stack in
            var besides: Set<String> = []
            let aftermath = try await stack.aftermath {
                for row in rows { try await stack.publish(row) }
                besides = try await meanwhile(stack)
                try await stack.awaitEnds(of: rows, atMost: bound)
            }
            try await stack.check(rows, aftermath, besides: besides)
            try await stack.checkSecrets(aftermath)
            try await check(stack, aftermath)
        }
    }

    func publish(_ row: PolicyRow) async throws {
        try await publish(
            row.commandBody,
            AMQPProperties(
                contentType: "application/json", deliveryMode: .persistent,
                correlationID: "correlation-\(row.commandID)", messageID: row.commandID))
    }

    /// Puts a message on the command queue.
    func publish(_ body: [UInt8], _ properties: AMQPProperties) async throws {
        let message = AMQPMessage(
            exchange: names.commands, routingKey: names.commands, properties: properties, body: body)
        try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration(), maximumBodyBytes: 4 << 20) {
            session throws(AMQPError) in
            _ = try session.publish(message)
        }
    }

    /// Runs a worker while `body` runs, stops it, and collects what is there then.
    func aftermath(overriding: [String: String] = [:], _ body: () async throws -> Void) async throws -> Aftermath {
        let logs = LogWatch()
        try await withWorkers(logger: logs.logger, overriding: overriding, body)
        return Aftermath(
            logs: logs, log: simulator.log, events: events.all, audits: try await auditDocuments(),
            letters: try await takeDeadLetters(), keys: Set(try await store.listAll().map(\.key)))
    }

    func auditDocuments() async throws -> [AuditDocument] {
        var documents: [AuditDocument] = []
        for object in try await store.listAll(prefix: "audit/") {
            documents.append(
                try AuditDocument(
                    key: object.key, bytes: try await store.get(object.key, maximumBytes: 1 << 20).bytes))
        }
        return documents
    }

    /// Waits until every row has its final event; names those that have none.
    func awaitEnds(of rows: [PolicyRow], atMost bound: Duration) async throws {
        let expected = Set(rows.map(\.commandID))
        let areThere = await events.wait(atMost: bound) { events in
            expected.isSubset(of: events.filter(\.isFinal).compactMap(\.commandID))
        }
        let ended = Set(events.all.filter(\.isFinal).compactMap(\.commandID))
        try #require(areThere, "undecided after \(bound): \(rows.filter { !ended.contains($0.commandID) })")
    }
}
