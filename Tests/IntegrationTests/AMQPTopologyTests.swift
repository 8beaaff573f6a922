// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import Synchronization
import TestKit
import Testing

@Suite(.enabled(if: AMQPTestBroker.isAvailable), .timeLimit(.minutes(2)))
struct AMQPTopologyTests {
    private func failure(
        _ body: @escaping @Sendable (AMQPAdminSession) throws(AMQPError) -> Void
    ) async throws -> AMQPError? {
        let configuration = try AMQPTestBroker.configuration()
        let outcome = await result { () async throws(AMQPError) in
            try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in try body(session) }
        }
        if case .failure(let error) = outcome { return error }
        return nil
    }

    @Test func declaresTwiceWithoutHarmAndRoutes() async throws {
        let name = AMQPTestBroker.uniqueName()
        let topology = AMQPTopology(
            exchanges: [
                AMQPTopology.Exchange(name: "\(name).dead", kind: "fanout"),
                AMQPTopology.Exchange(name: name, kind: "topic"),
            ],
            queues: [
                AMQPTopology.Queue(name: "\(name).dead", arguments: ["x-queue-type": "quorum"]),
                AMQPTopology.Queue(
                    name: name,
                    arguments: [
                        "x-queue-type": "quorum", "x-dead-letter-exchange": .string("\(name).dead"),
                        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
                        "x-delivery-limit": 1000,
                    ]),
            ],
            bindings: [
                AMQPTopology.Binding(queue: "\(name).dead", exchange: "\(name).dead", routingKey: ""),
                AMQPTopology.Binding(queue: name, exchange: name, routingKey: "a.*"),
            ])
        let configuration = try AMQPTestBroker.configuration()
        let server = try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
            try session.apply(topology)
            try session.apply(topology)
            var passive = topology
            passive.mode = .passive
            try session.apply(passive)
            let message = AMQPMessage(
                exchange: name, routingKey: "a.b", properties: AMQPProperties(messageID: "m"), body: [5])
            #expect(try session.publish(message) == .routed)
            let got = try session.get(queue: name)
            #expect(got?.body == [5])
            if let got { #expect(try session.settle(got.tag, .reject) == .sent) }
            return session.server
        }
        #expect(server.product == "RabbitMQ")
        #expect(server.isAtLeast(3, 8))
        #expect(server.capabilities.contains("publisher_confirms"))
        #expect(try await AMQPTestBroker.waitForReady("\(name).dead", 1))
        try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
            #expect(try session.purge(queue: "\(name).dead") == 1)
            for queue in topology.queues { try session.delete(queue: queue.name) }
            for exchange in topology.exchanges { try session.delete(exchange: exchange.name) }
            #expect(try !session.hasExchange(name))
            #expect(try session.queue(name) == nil)
        }
    }

    @Test func aMismatchNamesObjectArgumentAndBothValues() async throws {
        try await AMQPTestBroker.withQueue(arguments: ["x-queue-type": "quorum", "x-delivery-limit": 20]) { queue in
            let limit = try await failure { (session) throws(AMQPError) in
                _ = try session.declare(
                    AMQPTopology.Queue(name: queue, arguments: ["x-queue-type": "quorum", "x-delivery-limit": 1000]))
            }
            let error = try #require(limit)
            #expect(error.code == .topologyMismatch)
            #expect(error.mismatch?.argument == "x-delivery-limit")
            #expect(error.mismatch?.declared == "1000")
            #expect(error.mismatch?.current == "20")
            for part in [queue, "x-delivery-limit", "'1000'", "'20'", "delete it"] {
                #expect(error.message.contains(part))
            }
            let kind = try await failure { (session) throws(AMQPError) in
                _ = try session.declare(AMQPTopology.Queue(name: queue))
            }
            #expect(kind?.mismatch?.argument == "x-queue-type")
            // RabbitMQ 4 names the type that a queue declared without one would get.
            #expect([nil, "classic"].contains(kind?.mismatch?.declared))
            #expect(kind?.mismatch?.current == "quorum")
        }
    }

    @Test func goesOnAfterARefusalOnTheSameConnection() async throws {
        try await AMQPTestBroker.withQueue { queue in
            let configuration = try AMQPTestBroker.configuration()
            try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
                #expect(throws: AMQPError.self) {
                    try session.declare(AMQPTopology.Exchange(name: "amq.direct", kind: "topic"))
                }
                #expect(try session.queue(queue)?.messageCount == 0)
                #expect(try session.queue("nlu-test-missing") == nil)
                #expect(try session.queue(queue)?.consumerCount == 0)
                let message = AMQPTestBroker.message(queue, "a")
                try session.publish(message)
                let got = try session.get(queue: queue)
                #expect(try session.queue("nlu-test-missing") == nil)
                // That closed the channel, so the message is back and its tag is of the past.
                if let got { #expect(try session.settle(got.tag, .acknowledge) == .stale) }
                #expect(try session.publish(message) == .routed)
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 2))
        }
    }

    @Test func aMissingObjectIsNamedWhenLookedFor() async throws {
        let missing = try await failure { (session) throws(AMQPError) in
            try session.apply(AMQPTopology(queues: [AMQPTopology.Queue(name: "nlu-test-missing")], mode: .passive))
        }
        let error = try #require(missing)
        #expect(error.code == .notFound)
        #expect(error.message.contains("nlu-test-missing"))
    }

    /// Any byte the broker sends may be wrong: that ends a connection, never the process.
    @Test func damagedAnswersAreErrors() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        var configuration = try AMQPTestBroker.configuration(port: proxy.port)
        configuration.connectTimeout = .milliseconds(200)
        configuration.rpcTimeout = .milliseconds(200)
        let impatient = configuration
        try await AMQPTestBroker.withQueue { queue in
            var failures = 0
            for seed in UInt64(1)...150 {
                let random = Mutex(SplitMix64(seed: seed))
                proxy.mangle { bytes in
                    random.withLock { random in
                        guard !bytes.isEmpty, Bool.random(using: &random) else { return }
                        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                            in: 0...255, using: &random)
                    }
                }
                let outcome = await result { () async throws(AMQPError) in
                    try await AMQPAdmin.withConnection(impatient) { (session) throws(AMQPError) in
                        try session.publish(AMQPTestBroker.message(queue, "m"))
                        if let got = try session.get(queue: queue) { try session.settle(got.tag, .acknowledge) }
                    }
                }
                if case .failure = outcome { failures += 1 }
            }
            #expect(failures > 50)
        }
    }

    @Test func wrongCredentialsAreSaidToBeThat() async throws {
        var configuration = try AMQPTestBroker.configuration()
        configuration.endpoints[0].password = "not the password"
        let refused = configuration
        let outcome = await result { () async throws(AMQPError) in
            try await AMQPAdmin.withConnection(refused) { (session) throws(AMQPError) in session.server }
        }
        guard case .failure(let error) = outcome else {
            Issue.record("let in")
            return
        }
        #expect(error.code == .refusedCredentials)
        #expect(error.message.contains("(ACCESS_REFUSED for user '\(refused.endpoints[0].user)')"))
        #expect(!"\(error)".contains("not the password"))
    }

    @Test func aMissingVirtualHostIsSaidToBeThat() async throws {
        var configuration = try AMQPTestBroker.configuration()
        configuration.endpoints[0].virtualHost = "nlu-test-missing"
        let refused = configuration
        let outcome = await result { () async throws(AMQPError) in
            try await AMQPAdmin.withConnection(refused) { (session) throws(AMQPError) in session.server }
        }
        guard case .failure(let error) = outcome else {
            Issue.record("let in")
            return
        }
        #expect(error.code == .refusedCredentials)
        #expect(error.message.contains("virtual host"))
    }
}
