// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import TestKit
import Testing

@Suite(.enabled(if: AMQPTestBroker.isAvailable), .timeLimit(.minutes(2)))
struct AMQPConsumerTests {
    @Test func deliversWithAllItCarriesAndSettles() async throws {
        try await AMQPTestBroker.withQueue { queue in
            try await AMQPTestBroker.fill(queue, count: 3)
            try await withConsumer([queue], configuration: try AMQPTestBroker.configuration()) {
                (consumer, _) async throws in
                let deliveries = await consumer.take(3)
                #expect(deliveries.map(\.properties.messageID) == ["m0", "m1", "m2"])
                let first = try #require(deliveries.first)
                #expect(first.queue == queue)
                #expect(first.routingKey == queue)
                #expect(first.body == [1, 2, 3])
                #expect(first.properties.headers["k"] == "v")
                #expect(first.properties.deliveryMode == .persistent)
                #expect(!first.isRedelivered)
                #expect(consumer.status.outstanding == 3)
                #expect(await consumer.settle(deliveries[0].tag, .acknowledge) == .sent)
                #expect(await consumer.settle(deliveries[1].tag, .reject) == .sent)
                #expect(await consumer.settle(deliveries[2].tag, .requeue) == .sent)
                #expect(await consumer.settle(deliveries[0].tag, .acknowledge) == .stale)
                let again = try #require(await consumer.take(1).first)
                #expect(again.properties.messageID == "m2")
                #expect(again.isRedelivered)
                #expect(await consumer.settle(again.tag, .acknowledge) == .sent)
                #expect(consumer.status.outstanding == 0)
                #expect(consumer.status.staleSettlements == 1)
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 0))
        }
    }

    @Test func honoursThePrefetchOfEachQueue() async throws {
        try await AMQPTestBroker.withQueue { first in
            try await AMQPTestBroker.withQueue { second in
                for queue in [first, second] { try await AMQPTestBroker.fill(queue, count: 5) }
                let configuration = try AMQPTestBroker.configuration()
                try await withConsumer([first, second], prefetch: 2, configuration: configuration) {
                    (consumer, _) async throws in
                    let held = await consumer.take(4)
                    #expect(Dictionary(grouping: held, by: \.queue).mapValues(\.count) == [first: 2, second: 2])
                    #expect(try await AMQPTestBroker.waitForReady(first, 3))
                    #expect(try await AMQPTestBroker.waitForReady(second, 3))
                    let mine = try #require(held.first { $0.queue == first })
                    await consumer.settle(mine.tag, .acknowledge)
                    #expect(await consumer.take(1).first?.queue == first)
                }
                // What was not settled is back.
                #expect(try await AMQPTestBroker.waitForReady(first, 4))
                #expect(try await AMQPTestBroker.waitForReady(second, 5))
            }
        }
    }

    @Test func dropsATagOfTheLastChannelThoughItNamesAnotherMessageNow() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        try await AMQPTestBroker.withQueue { queue in
            try await AMQPTestBroker.fill(queue, count: 2)
            let configuration = try AMQPTestBroker.configuration(port: proxy.port)
            try await withConsumer([queue], prefetch: 1, configuration: configuration) { (consumer, log) async throws in
                let old = try #require(await consumer.take(1).first)
                #expect(await log.connected())
                proxy.cut()
                #expect(await log.disconnected() != nil)
                let new = try #require(await consumer.take(1).first)
                #expect(new.tag.tag == old.tag.tag)
                #expect(new.tag.generation == old.tag.generation + 1)
                #expect(await consumer.settle(old.tag, .acknowledge) == .stale)
                #expect(consumer.status.staleSettlements == 1)
                #expect(consumer.status.outstanding == 1)
            }
            // Nothing was acknowledged by mistake.
            #expect(try await AMQPTestBroker.waitForReady(queue, 2))
        }
    }

    @Test func forgetsUntakenDeliveriesOfALostConnection() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        try await AMQPTestBroker.withQueue { queue in
            try await AMQPTestBroker.fill(queue, count: 5)
            let configuration = try AMQPTestBroker.configuration(port: proxy.port)
            try await withConsumer([queue], prefetch: 5, configuration: configuration) { (consumer, log) async throws in
                #expect(try await AMQPTestBroker.waitForReady(queue, 0))
                proxy.cut()
                #expect(await log.disconnected() != nil)
                let deliveries = await consumer.take(5)
                #expect(Set(deliveries.map(\.tag.generation)) == [2])
                #expect(Set(deliveries.map(\.properties.messageID)).count == 5)
                for delivery in deliveries { #expect(await consumer.settle(delivery.tag, .acknowledge) == .sent) }
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 0))
        }
    }

    @Test func dropsALargeBodyAsItArrives() async throws {
        try await AMQPTestBroker.withQueue { queue in
            try await AMQPTestBroker.fill(queue, count: 1, body: [UInt8](repeating: 7, count: 900_000))
            try await AMQPTestBroker.fill(queue, count: 1, body: [9])
            let configuration = try AMQPTestBroker.configuration()
            try await withConsumer([queue], maximumBodyBytes: 1024, configuration: configuration) {
                (consumer, _) async throws in
                let deliveries = await consumer.take(2)
                let large = try #require(deliveries.first)
                #expect(large.isOversized)
                #expect(large.body.isEmpty)
                #expect(large.bodySize == 900_000)
                #expect(large.properties.messageID == "m0")
                #expect(deliveries.last?.body == [9])
                for delivery in deliveries { await consumer.settle(delivery.tag, .reject) }
            }
        }
    }

    @Test func survivesHeadersNestedVeryDeep() async throws {
        try await AMQPTestBroker.withQueue { queue in
            // Deeper than a task's stack; the value is made and freed on the connection's own thread, where each level
            // takes many times as much while a sanitizer looks on.
            let depth = Sanitizers.areAtWork ? 1000 : 8000
            try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration()) { (session) throws(AMQPError) in
                var value = AMQPFieldValue.bool(true)
                for _ in 0..<depth { value = .array([value]) }
                var message = AMQPTestBroker.message(queue, "deep")
                message.properties.headers = ["deep": value, "flat": "here"]
                #expect(try session.publish(message) == .routed)
            }
            try await withConsumer([queue], configuration: try AMQPTestBroker.configuration()) {
                (consumer, _) async throws in
                let delivery = try #require(await consumer.take(1).first)
                #expect(delivery.properties.headers.isTruncated)
                await consumer.settle(delivery.tag, .reject)
            }
        }
    }

    @Test func consumesAgainAfterTheBrokerCancelled() async throws {
        let queue = AMQPTestBroker.uniqueName()
        let topology = AMQPTopology(queues: [AMQPTopology.Queue(name: queue, arguments: ["x-queue-type": "quorum"])])
        let configuration = try AMQPTestBroker.configuration()
        try await withConsumer([queue], topology: topology, configuration: configuration) {
            (consumer, log) async throws in
            #expect(await log.started(queue))
            _ = try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
                try session.delete(queue: queue)
            }
            #expect(await log.next { $0 == .consumerCancelled(queue: queue, byServer: true) } != nil)
            #expect(await log.started(queue))
            #expect(consumer.status.connectCount == 1)
            try await AMQPTestBroker.fill(queue, count: 1)
            let delivery = try #require(await consumer.take(1).first)
            #expect(await consumer.settle(delivery.tag, .acknowledge) == .sent)
        }
        _ = try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
            try session.delete(queue: queue)
        }
    }

    @Test func aMissingQueueDoesNotDisturbTheOthers() async throws {
        try await AMQPTestBroker.withQueue { queue in
            let missing = AMQPTestBroker.uniqueName()
            let topology = AMQPTopology(
                queues: [AMQPTopology.Queue(name: missing), AMQPTopology.Queue(name: queue)], mode: .passive)
            let configuration = try AMQPTestBroker.configuration()
            try await withConsumer([missing, queue], topology: topology, configuration: configuration) {
                (consumer, log) async throws in
                let failed = await log.next { if case .consumerFailed = $0 { true } else { false } }
                guard case .consumerFailed(let name, let error)? = failed else {
                    Issue.record("no failure")
                    return
                }
                #expect(name == missing)
                #expect(error.code == .notFound)
                #expect(await log.started(queue))
                #expect(consumer.status.consumingQueues == [queue])
                _ = try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
                    try session.declare(AMQPTopology.Queue(name: missing))
                }
                #expect(await log.started(missing))
                #expect(consumer.status.connectCount == 1)
            }
            _ = try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in
                try session.delete(queue: missing)
            }
        }
    }

    @Test func anExclusiveQueueComesBackToo() async throws {
        let queue = AMQPTestBroker.uniqueName()
        let topology = AMQPTopology(queues: [
            AMQPTopology.Queue(name: queue, isDurable: false, isExclusive: true, isAutoDelete: true)
        ])
        let configuration = try AMQPTestBroker.configuration()
        try await withConsumer([queue], topology: topology, configuration: configuration) {
            (consumer, log) async throws in
            #expect(await log.started(queue))
            // The queue goes with its last consumer.
            await consumer.cancelConsumers()
            await consumer.resumeConsumers()
            #expect(await log.started(queue))
            try await AMQPTestBroker.fill(queue, count: 1)
            let delivery = try #require(await consumer.take(1).first)
            #expect(await consumer.settle(delivery.tag, .acknowledge) == .sent)
            #expect(consumer.status.connectCount == 1)
        }
    }

    @Test func pausesAndResumesOneQueue() async throws {
        try await AMQPTestBroker.withQueue { first in
            try await AMQPTestBroker.withQueue { second in
                let configuration = try AMQPTestBroker.configuration()
                try await withConsumer([first, second], configuration: configuration) { (consumer, log) async throws in
                    #expect(await log.started(first))
                    #expect(await log.started(second))
                    try await AMQPTestBroker.fill(first, count: 2)
                    let taken = await consumer.take(1)
                    await consumer.cancelConsumers(queues: [first])
                    #expect(consumer.status.consumingQueues == [second])
                    // The one nobody took is back; the other can still be settled.
                    #expect(try await AMQPTestBroker.waitForReady(first, 1))
                    #expect(await consumer.settle(taken[0].tag, .requeue) == .sent)
                    #expect(try await AMQPTestBroker.waitForReady(first, 2))
                    await consumer.resumeConsumers()
                    #expect(await log.started(first))
                    for delivery in await consumer.take(2) { await consumer.settle(delivery.tag, .acknowledge) }
                }
                #expect(try await AMQPTestBroker.waitForReady(first, 0))
            }
        }
    }

    @Test func handsBackWhatNobodyTookAtTheEnd() async throws {
        try await AMQPTestBroker.withQueue { queue in
            try await AMQPTestBroker.fill(queue, count: 4)
            try await withConsumer([queue], configuration: try AMQPTestBroker.configuration()) {
                (consumer, _) async throws in
                let taken = await consumer.take(1)
                #expect(try await AMQPTestBroker.waitForReady(queue, 0))
                await consumer.cancelConsumers()
                #expect(await consumer.settle(taken[0].tag, .acknowledge) == .sent)
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 3))
        }
    }

    @Test func keepsAnIdleConnectionAliveByHeartbeats() async throws {
        try await AMQPTestBroker.withQueue { queue in
            var configuration = try AMQPTestBroker.configuration()
            configuration.heartbeat = .seconds(1)
            try await withConsumer([queue], configuration: configuration) { (consumer, log) async throws in
                #expect(await log.started(queue))
                // The broker drops a peer it has not heard of for two intervals.
                try await Task.sleep(for: .seconds(5))
                #expect(consumer.status.connectCount == 1)
                #expect(consumer.status.isConnected)
            }
        }
    }

    @Test func noticesANetworkThatSwallows() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        try await AMQPTestBroker.withQueue { queue in
            var configuration = try AMQPTestBroker.configuration(port: proxy.port)
            configuration.heartbeat = .seconds(1)
            try await withConsumer([queue], configuration: configuration) { (_, log) async throws in
                #expect(await log.started(queue))
                proxy.stall(true)
                let error = try #require(await log.disconnected())
                #expect(error.code == .connectionLost)
                #expect(error.message.contains("heartbeat"))
                proxy.stall(false)
                #expect(await log.started(queue))
            }
        }
    }
}
