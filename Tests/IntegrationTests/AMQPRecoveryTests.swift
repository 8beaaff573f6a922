// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import TestKit
import Testing

/// What a consumer does when a queue is taken from under it: nothing that the old queue delivered may be settled on the
/// new one of the same name.
@Suite(.enabled(if: AMQPTestBroker.isAvailable), .timeLimit(.minutes(2)))
struct AMQPRecoveryTests {
    @Test(arguments: ["quorum", "classic"])
    func whatADeletedQueueDeliveredIsNotSettledOnItsSuccessor(type: String) async throws {
        let queue = AMQPTestBroker.uniqueName()
        let topology = AMQPTopology(
            queues: [AMQPTopology.Queue(name: queue, arguments: ["x-queue-type": .string(type)])])
        let configuration = try AMQPTestBroker.configuration()
        try await withConsumer([queue], topology: topology, configuration: configuration) {
            (consumer, log) async throws in
            #expect(await log.started(queue))
            try await AMQPTestBroker.fill(queue, count: 1)
            let old = try #require(await consumer.take(1).first)
            try await AMQPTestBroker.delete(queue)
            let cancelled = await log.next { $0 == .consumerCancelled(queue: queue, byServer: true) }
            #expect(cancelled != nil)
            #expect(await log.disconnected()?.code == .consumerCancelled)
            #expect(await log.started(queue))
            try await AMQPTestBroker.fill(queue, count: 1)
            let new = try #require(await consumer.take(1).first)
            // The broker would take it for the new one: their numbers within the queue are the same.
            #expect(await consumer.settle(old.tag, .acknowledge) == .stale)
            #expect(await consumer.settle(new.tag, .requeue) == .sent)
        }
        #expect(try await AMQPTestBroker.waitForReady(queue, 1))
        try await AMQPTestBroker.delete(queue)
    }

    @Test func nothingIsSettledOnAQueueThatWasReplacedDuringAPause() async throws {
        let queue = AMQPTestBroker.uniqueName()
        let topology = AMQPTopology(queues: [AMQPTopology.Queue(name: queue, arguments: ["x-queue-type": "quorum"])])
        let configuration = try AMQPTestBroker.configuration()
        try await withConsumer([queue], topology: topology, configuration: configuration) {
            (consumer, log) async throws in
            #expect(await log.started(queue))
            try await AMQPTestBroker.fill(queue, count: 1)
            let old = try #require(await consumer.take(1).first)
            await consumer.cancelConsumers()
            try await AMQPTestBroker.delete(queue)
            await consumer.resumeConsumers()
            #expect(await log.started(queue))
            try await AMQPTestBroker.fill(queue, count: 1)
            let new = try #require(await consumer.take(1).first)
            #expect(consumer.status.connectCount == 1)
            #expect(old.tag.generation == new.tag.generation)
            // Nobody saw the queue go, so this one is written: it must not hit the new message.
            #expect(await consumer.settle(old.tag, .acknowledge) == .sent)
            #expect(await consumer.settle(new.tag, .requeue) == .sent)
        }
        #expect(try await AMQPTestBroker.waitForReady(queue, 1))
        try await AMQPTestBroker.delete(queue)
    }

    @Test func whatNobodyTookDoesNotCostTheChannel() async throws {
        let queue = AMQPTestBroker.uniqueName()
        let topology = AMQPTopology(queues: [AMQPTopology.Queue(name: queue, arguments: ["x-queue-type": "quorum"])])
        let configuration = try AMQPTestBroker.configuration()
        try await AMQPTestBroker.withQueue { other in
            try await withConsumer([queue, other], topology: topology, configuration: configuration) {
                (consumer, log) async throws in
                #expect(await log.started(queue))
                #expect(await log.started(other))
                try await AMQPTestBroker.fill(other, count: 1)
                let held = try #require(await consumer.take(1).first)
                try await AMQPTestBroker.fill(queue, count: 3)
                #expect(await within(.seconds(30)) { consumer.deliveries.takenWhileOthersWait != nil })
                try await AMQPTestBroker.delete(queue)
                #expect(await log.started(queue))
                #expect(consumer.status.connectCount == 1)
                try await AMQPTestBroker.fill(queue, count: 1)
                let new = try #require(await consumer.take(1).first)
                #expect(new.queue == queue)
                #expect(await consumer.settle(new.tag, .acknowledge) == .sent)
                #expect(await consumer.settle(held.tag, .acknowledge) == .sent)
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 0))
        }
        try await AMQPTestBroker.delete(queue)
    }

    // MARK: What a watchdog and others look at

    @Test func idleConnectionsTurnWhenTheyArePinged() async throws {
        try await AMQPTestBroker.withQueue { queue in
            let configuration = try AMQPTestBroker.configuration()
            try await withConsumer([queue], configuration: configuration) { (consumer, log) async throws in
                #expect(await log.started(queue))
                let before = try #require(consumer.turns)
                consumer.ping()
                #expect(await within(.seconds(30)) { consumer.turns != before })
            }
            try await withPublisher(configuration: configuration) { (publisher, log) async throws in
                #expect(await log.connected())
                let before = try #require(publisher.turns)
                publisher.ping()
                #expect(await within(.seconds(30)) { publisher.turns != before })
                await publisher.shutdown()
                #expect(publisher.turns == nil)
            }
        }
    }

    @Test func aSecondListenerHearsTheSame() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        let heard = Watched<[String]>([])
        try await AMQPTestBroker.withQueue { queue in
            let configuration = try AMQPTestBroker.configuration(port: proxy.port)
            try await withConsumer([queue], configuration: configuration) { (consumer, log) async throws in
                consumer.observe { [weak consumer] event in
                    let isConnected = consumer?.status.isConnected ?? false
                    switch event {
                    case .connected: heard.update { $0.append("connected \(isConnected)") }
                    case .disconnected: heard.update { $0.append("disconnected \(isConnected)") }
                    case .consumerStarted: heard.update { $0.append("started") }
                    default: break
                    }
                }
                #expect(await log.started(queue))
                proxy.cut()
                #expect(await log.disconnected() != nil)
                #expect(await log.started(queue))
            }
        }
        // It may have come too late for the first connection, and never misses what comes after.
        let again = ["disconnected false", "connected true", "started"]
        #expect(heard.value.suffix(3) == again[...])
    }

    /// Looks until a condition is met; false once the bound is over.
    private func within(_ bound: Duration, _ isMet: () -> Bool) async -> Bool {
        let end = ContinuousClock.now + bound
        while !isMet() {
            guard ContinuousClock.now < end else { return false }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return true
    }
}
