// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import Foundation
import HTTPTransport
import Logging
import ObjectStore
import ServiceLifecycle
import Testing
import Worker

/// Everything a worker needs, real, with names of the test's own: broker objects, a bucket, and a tenant to play with.
///
/// Nothing in it is shared between tests; everything is removed at the end.
struct Stack: Sendable {
    static var isAvailable: Bool { AMQPTestBroker.isAvailable && ObjectStoreServer.shared != nil }

    let simulator: Simulator
    let store: S3Client
    let events: EventRecorder
    let names: Names
    /// The configuration of its workers, as environment variables.
    let variables: [String: String]

    struct Names: Sendable {
        let id = UUID().uuidString.lowercased().prefix(8)
        var commands: String { "test-\(id).commands" }
        var dead: String { "test-\(id).dead" }
        var events: String { "test-\(id).events" }
        var archive: String { "test-\(id).archive" }
    }

    /// Builds a stack, runs `body`, and removes it.
    ///
    /// - Parameters:
    ///   - clock: what the tenant's jobs take their time from.
    ///   - endpoint: where its workers find the object store, if not at the store itself.
    ///   - configure: changes the workers' variables before anything is made of them.
    static func run(
        simulator configuration: SimulatorConfiguration = .fast, clock: any Clock<Duration> = ContinuousClock(),
        through endpoint: String? = nil, configure: (inout [String: String]) -> Void = { _ in },
        _ body: (Stack) async throws -> Void
    ) async throws {
        let simulator = try await Simulator.start(configuration, clock: clock)
        do {
            try await withTestBucket(encryption: .aes256) { store, _ in
                let names = Names()
                var variables = try variables(names, simulator, configuration, store)
                if let endpoint { variables["NLU_EXPORT_S3_ENDPOINT"] = endpoint }
                configure(&variables)
                let settings = try settings(variables)
                try await TopologyCommand.ensure(settings: settings)
                let events = try await EventRecorder.start(queue: names.archive)
                let stack = Stack(
                    simulator: simulator, store: store, events: events, names: names, variables: variables)
                let outcome: Result<Void, any Error>
                do { outcome = .success(try await body(stack)) } catch { outcome = .failure(error) }
                await events.stop()
                try await stack.removeBrokerObjects()
                try outcome.get()
            }
        } catch {
            await simulator.stop()
            throw error
        }
        await simulator.stop()
    }

    private static func variables(
        _ names: Names, _ simulator: Simulator, _ configuration: SimulatorConfiguration, _ store: S3Client
    ) throws -> [String: String] {
        let server = try #require(ObjectStoreServer.shared)
        return [
            "NLU_EXPORT_AMQP_URL": try #require(AMQPTestBroker.url),
            "NLU_EXPORT_AMQP_COMMANDS_QUEUES": names.commands, "NLU_EXPORT_AMQP_COMMANDS_EXCHANGE": names.commands,
            "NLU_EXPORT_AMQP_DEAD_EXCHANGE": names.dead, "NLU_EXPORT_AMQP_DEAD_QUEUE": names.dead,
            "NLU_EXPORT_AMQP_EVENTS_EXCHANGE": names.events, "NLU_EXPORT_AMQP_EVENTS_ARCHIVE_QUEUE": names.archive,
            "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": simulator.baseURL,
            "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_ID": configuration.clientID,
            "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET": configuration.clientSecret,
            "NLU_EXPORT_S3_BUCKET": store.configuration.bucket, "NLU_EXPORT_S3_ENDPOINT": server.endpoint,
            "NLU_EXPORT_JOB_POLL_INITIAL": "50ms", "NLU_EXPORT_JOB_POLL_MAX": "200ms",
            "NLU_EXPORT_RETRY_INITIAL": "50ms", "NLU_EXPORT_RETRY_MAX": "200ms",
            "NLU_EXPORT_RETRY_TRIGGER_DELAY": "50ms", "NLU_EXPORT_VALIDATE_TRAINING_WAIT": "1s",
            "NLU_EXPORT_LEASE_RENEW": "500ms", "NLU_EXPORT_LEASE_EXPIRY": "2s", "NLU_EXPORT_HTTP_PORT": "0",
            "AWS_ACCESS_KEY_ID": server.credentials.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": server.credentials.secretAccessKey,
        ]
    }

    static func settings(_ variables: [String: String]) throws -> Settings {
        try Settings.load(SettingsRequest(file: nil, environment: variables))
    }

    private func removeBrokerObjects() async throws {
        let names = names
        try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration()) { session throws(AMQPError) in
            for queue in [names.commands, names.dead, names.archive] { _ = try session.delete(queue: queue) }
            for exchange in [names.commands, names.dead, names.events] { try session.delete(exchange: exchange) }
        }
    }
}

extension SimulatorConfiguration {
    /// A tenant whose jobs take no time to speak of.
    static var fast: SimulatorConfiguration {
        var configuration = SimulatorConfiguration()
        configuration.jobDuration = .milliseconds(50)
        return configuration
    }
}

// MARK: Workers

extension Stack {
    /// Runs workers of this stack while `body` runs, and stops them as SIGTERM would.
    func withWorkers(
        _ count: Int = 1, logger: Logger = Logger(label: "worker") { _ in SwiftLogNoOpLogHandler() },
        overriding: [String: String] = [:], _ body: () async throws -> Void
    ) async throws {
        let variables = variables.merging(overriding) { $1 }
        var groups: [(ServiceGroup, Task<Void, any Error>)] = []
        for _ in 0..<count {
            let group = try await WorkerProcess.makeGroup(
                settings: Self.settings(variables), logger: logger, environmentVariables: variables)
            groups.append((group, Task { try await group.run() }))
        }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        for (group, task) in groups {
            await group.triggerGracefulShutdown()
            try await task.value
        }
        try outcome.get()
    }
}

// MARK: The broker

extension Stack {
    /// Puts a command body on the queue.
    func publish(_ body: [UInt8], messageID: String? = nil, headers: AMQPTable = [:]) async throws {
        let names = names
        _ = try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration(), maximumBodyBytes: 4 << 20) {
            session throws(AMQPError) in
            try session.publish(
                AMQPMessage(
                    exchange: names.commands, routingKey: names.commands,
                    properties: AMQPProperties(
                        contentType: "application/json", headers: headers, deliveryMode: .persistent,
                        messageID: messageID),
                    body: body))
        }
    }

    /// Puts a command for a model on the queue under an id of its own, which is returned.
    @discardableResult
    func submit(model: String, version: String = "1.0.0", id: String = UUID().uuidString) async throws -> String {
        let body = #"{"commandId":"\#(id)","modelId":"\#(model)","version":"\#(version)"}"#
        try await publish(Array(body.utf8), messageID: id)
        return id
    }

    /// Messages ready in a queue.
    func ready(_ queue: String) async throws -> Int {
        try await AMQPTestBroker.ready(queue) ?? 0
    }

    /// The dead letters, taken off their queue.
    func takeDeadLetters() async throws -> [AMQPDelivery] {
        let dead = names.dead
        return try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration()) { session throws(AMQPError) in
            var letters: [AMQPDelivery] = []
            while let letter = try session.get(queue: dead) {
                letters.append(letter)
                _ = try session.settle(letter.tag, .acknowledge)
            }
            return letters
        }
    }

    /// Waits until a queue has that many messages ready; false after half a minute.
    func waitForReady(_ queue: String, _ count: Int) async throws -> Bool {
        try await AMQPTestBroker.waitForReady(queue, count)
    }
}

// MARK: The bucket

extension Stack {
    /// The audit records in the bucket.
    func audits() async throws -> [[String: Any]] {
        var records: [[String: Any]] = []
        for object in try await store.listAll(prefix: "audit/") {
            let bytes = try await store.get(object.key, maximumBytes: 1 << 20).bytes
            records.append(try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]))
        }
        return records
    }

    /// The artifacts in the bucket by key.
    func artifacts() async throws -> [S3ListedObject] { try await store.listAll(prefix: "nlu-exports/") }
}
