// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import Logging
import Testing

/// The broker of the integration tests, from `NLU_TEST_AMQP_URL`.
enum AMQPTestBroker {
    static let url = ProcessInfo.processInfo.environment["NLU_TEST_AMQP_URL"]
    static var isAvailable: Bool { url != nil }
    /// A command that runs rabbitmqctl on that broker, from `NLU_TEST_RABBITMQCTL`.
    static let controlCommand = ProcessInfo.processInfo.environment["NLU_TEST_RABBITMQCTL"]
    static var isControllable: Bool { isAvailable && controlCommand != nil }
    /// A command that stops and starts the servers of this run (ops/lib/service and its folder), from
    /// `NLU_TEST_SERVICES`.
    static let serviceCommand = ProcessInfo.processInfo.environment["NLU_TEST_SERVICES"]

    static let logger = Logger(label: "amqp.test") { _ in SwiftLogNoOpLogHandler() }

    static func endpoint() throws -> AMQPEndpoint {
        let url = try #require(url)
        return try #require(try AMQPEndpoint.parse(list: url).first)
    }

    /// A configuration that reconnects fast; through a proxy's port if given.
    static func configuration(port: Int? = nil, name: String = #function) throws -> AMQPConnectionConfiguration {
        var endpoint = try endpoint()
        if let port {
            endpoint.host = "127.0.0.1"
            endpoint.port = port
        }
        var configuration = AMQPConnectionConfiguration(endpoints: [endpoint], connectionName: "test \(name)")
        configuration.reconnectInitial = .milliseconds(20)
        configuration.reconnectMax = .milliseconds(100)
        return configuration
    }

    static func uniqueName(_ prefix: String = "nlu-test") -> String { "\(prefix)-\(UUID().uuidString)" }

    /// A quorum queue of a name of its own, for the length of `body`.
    static func withQueue(
        arguments: AMQPTable = ["x-queue-type": "quorum"], _ body: (String) async throws -> Void
    ) async throws {
        let name = uniqueName()
        let configuration = try configuration()
        try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
            _ = try session.declare(AMQPTopology.Queue(name: name, arguments: arguments))
        }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(name))
        } catch {
            result = .failure(error)
        }
        _ = try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
            try session.delete(queue: name)
        }
        try result.get()
    }

    /// Publishes messages straight to a queue, ids `m0`, `m1`, ….
    static func fill(_ queue: String, count: Int, body: [UInt8] = [1, 2, 3]) async throws {
        try await AMQPAdmin.withConnection(try configuration()) { (session) throws(AMQPError) in
            for index in 0..<count { try session.publish(message(queue, "m\(index)", body: body)) }
        }
    }

    /// Deletes a queue with all that is in it.
    static func delete(_ queue: String) async throws {
        _ = try await AMQPAdmin.withConnection(try configuration()) { (session) throws(AMQPError) in
            try session.delete(queue: queue)
        }
    }

    static func message(_ queue: String, _ id: String, body: [UInt8] = [1, 2, 3]) -> AMQPMessage {
        AMQPMessage(
            exchange: "", routingKey: queue,
            properties: AMQPProperties(headers: ["k": "v"], deliveryMode: .persistent, messageID: id), body: body)
    }

    /// Messages ready in a queue; nil when it is not there.
    static func ready(_ queue: String) async throws -> Int? {
        try await AMQPAdmin.withConnection(try configuration()) { (session) throws(AMQPError) in
            try session.queue(queue).map { Int($0.messageCount) }
        }
    }

    /// Looks until the count of ready messages is right; the broker counts a little behind.
    static func waitForReady(_ queue: String, _ count: Int) async throws -> Bool {
        for _ in 0..<200 {
            if try await ready(queue) == count { return true }
            try await Task.sleep(for: .milliseconds(25))
        }
        return false
    }

    /// Runs rabbitmqctl off the cooperative pool.
    static func control(_ arguments: String...) async throws {
        try await run(try #require(controlCommand), arguments)
    }

    /// Ends the broker with SIGKILL and starts it again; returns before it is ready.
    static func killAndRestart() async throws {
        let command = try #require(serviceCommand)
        // RabbitMQ 3.10 writes what it knows of a new quorum queue within seconds only: killed before, that queue comes
        // back empty and never has a leader again, whatever was confirmed.
        try await control("eval", "[ok = dets:sync(Table) || Table <- dets:all()].")
        try await run(command, ["kill", "rabbitmq"])
        try await run(command, ["start", "rabbitmq"])
    }

    private static func run(_ command: String, _ arguments: [String]) async throws {
        let status = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let process = Process()
                process.executableURL = URL(filePath: "/bin/sh")
                process.arguments = ["-c", "exec \(command) \"$@\" >/dev/null 2>&1", "sh"] + arguments
                do {
                    try process.run()
                    process.waitUntilExit()
                    continuation.resume(returning: process.terminationStatus)
                } catch {
                    continuation.resume(returning: -1)
                }
            }
        }
        try #require(status == 0, "\(command) \(arguments)")
    }
}

/// Runs a consumer for the length of `body`.
func withConsumer(
    _ queues: [String], prefetch: UInt16 = 10, topology: AMQPTopology = .none, maximumBodyBytes: Int = 65_536,
    configuration: AMQPConnectionConfiguration, _ body: (AMQPConsumer, EventLog) async throws -> Void
) async throws {
    let consumer = try AMQPConsumer(
        connection: configuration, topology: topology,
        subscriptions: queues.enumerated().map {
            AMQPSubscription(queue: $1, prefetch: prefetch, consumerTag: "test/\($0)")
        }, maximumBodyBytes: maximumBodyBytes, logger: AMQPTestBroker.logger)
    let log = EventLog(consumer.events)
    async let running: Void = consumer.run()
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(consumer, log))
    } catch {
        result = .failure(error)
    }
    await consumer.shutdown()
    await running
    try result.get()
}

/// Runs a publisher for the length of `body`.
func withPublisher(
    topology: AMQPTopology = .none, limits: AMQPPublisherLimits = AMQPPublisherLimits(),
    configuration: AMQPConnectionConfiguration, _ body: (AMQPPublisher, EventLog) async throws -> Void
) async throws {
    let publisher = try AMQPPublisher(
        connection: configuration, topology: topology, limits: limits, logger: AMQPTestBroker.logger)
    let log = EventLog(publisher.events)
    async let running: Void = publisher.run()
    let result: Result<Void, any Error>
    do {
        result = .success(try await body(publisher, log))
    } catch {
        result = .failure(error)
    }
    await publisher.shutdown()
    await running
    try result.get()
}

/// Reads events one after the other; each look goes on behind the last event found.
final class EventLog {
    private var iterator: AsyncStream<AMQPConnectionEvent>.Iterator

    init(_ events: AsyncStream<AMQPConnectionEvent>) {
        iterator = events.makeAsyncIterator()
    }

    /// The next event that `matches`; nil when there will be none.
    func next(where matches: (AMQPConnectionEvent) -> Bool) async -> AMQPConnectionEvent? {
        while let event = await iterator.next(isolation: #isolation) {
            if matches(event) { return event }
        }
        return nil
    }

    func connected() async -> Bool {
        await next { if case .connected = $0 { true } else { false } } != nil
    }

    func disconnected() async -> AMQPError? {
        let event = await next { if case .disconnected = $0 { true } else { false } }
        if case .disconnected(let error) = event { return error }
        return nil
    }

    func started(_ queue: String) async -> Bool {
        await next { $0 == .consumerStarted(queue: queue) } != nil
    }
}

extension AMQPConsumer {
    /// The next `count` deliveries.
    func take(_ count: Int) async -> [AMQPDelivery] {
        var taken: [AMQPDelivery] = []
        for await delivery in deliveries {
            taken.append(delivery)
            if taken.count == count { break }
        }
        return taken
    }
}
