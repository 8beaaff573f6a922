// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import Testing

/// What happens when the broker itself is in trouble. These change the whole broker for a moment: run with
/// `--no-parallel` when `NLU_TEST_RABBITMQCTL` is set.
@Suite(.enabled(if: AMQPTestBroker.isControllable), .serialized, .timeLimit(.minutes(5)))
struct AMQPBrokerFaultTests {
    @Test func connectionsLeaveNoDescriptorBehind() async throws {
        let configuration = try AMQPTestBroker.configuration()
        func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        func connect() async throws {
            _ = try await AMQPAdmin.withConnection(configuration) { (session) throws(AMQPError) in session.server }
        }
        try await connect()
        let before = try descriptors()
        for _ in 0..<20 { try await connect() }
        // Nothing else runs beside this suite; a little room is for what the runtime opens by itself.
        let after = try descriptors()
        #expect(after < before + 5)
    }

    @Test func comesBackAfterTheBrokerClosedEveryConnection() async throws {
        try await AMQPTestBroker.withQueue { queue in
            try await withConsumer([queue], configuration: try AMQPTestBroker.configuration()) {
                (consumer, log) async throws in
                #expect(await log.started(queue))
                try await AMQPTestBroker.control("close_all_connections", "a test")
                let error = try #require(await log.disconnected())
                #expect(error.code == .connectionClosed)
                #expect(error.replyCode == 320)
                #expect(await log.started(queue))
                try await AMQPTestBroker.fill(queue, count: 1)
                let delivery = try #require(await consumer.take(1).first)
                #expect(await consumer.settle(delivery.tag, .acknowledge) == .sent)
            }
        }
    }

    @Test func holdsMessagesWhileTheBrokerIsInAnAlarm() async throws {
        var configuration = try AMQPTestBroker.configuration()
        configuration.heartbeat = .seconds(1)
        let fast = configuration
        try await AMQPTestBroker.withQueue { queue in
            try await withPublisher(configuration: fast) { (publisher, log) async throws in
                #expect(try await publisher.publish(AMQPTestBroker.message(queue, "a")) == .routed)
                try await AMQPTestBroker.control("set_vm_memory_high_watermark", "0.00001")
                // The broker says so only to those who publish.
                async let sent = result { () async throws(AMQPError) in
                    try await publisher.publish(AMQPTestBroker.message(queue, "b"))
                }
                #expect(await log.next { if case .blocked = $0 { true } else { false } } != nil)
                #expect(publisher.status.isBlocked)
                async let held = result { () async throws(AMQPError) in
                    try await publisher.publish(AMQPTestBroker.message(queue, "c"))
                }
                let short = await result { () async throws(AMQPError) in
                    try await publisher.publish(AMQPTestBroker.message(queue, "d"), timeout: .seconds(3))
                }
                if case .failure(let error) = short {
                    #expect(error.code == .blocked)
                    #expect(!error.wasSent)
                    #expect(error.isRetriable)
                } else {
                    Issue.record("published through an alarm")
                }
                try await AMQPTestBroker.control("set_vm_memory_high_watermark", "0.4")
                #expect(await sent == .success(.routed))
                #expect(await held == .success(.routed))
                #expect(publisher.status.connectCount == 1)
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 3))
        }
    }

    @Test func aDeliveryHeldTooLongCostsTheChannelAndNothingElse() async throws {
        func limits(_ timeout: Int, _ tick: Int) async throws {
            try await AMQPTestBroker.control(
                "eval",
                "[application:set_env(rabbit, K, V) || {K, V} <- [{consumer_timeout, \(timeout)}, "
                    + "{channel_tick_interval, \(tick)}]].")
        }
        try await AMQPTestBroker.withQueue { queue in
            try await AMQPTestBroker.fill(queue, count: 1)
            let configuration = try AMQPTestBroker.configuration()
            try await limits(1000, 200)
            let outcome: Result<Void, any Error>
            do {
                try await withConsumer([queue], configuration: configuration) { (consumer, log) async throws in
                    let old = try #require(await consumer.take(1).first)
                    let error = try #require(await log.disconnected())
                    #expect(error.code == .channelClosed)
                    #expect(error.replyCode == 406)
                    try await limits(1_800_000, 60_000)
                    #expect(await consumer.settle(old.tag, .acknowledge) != .sent)
                    let again = try #require(await consumer.take(1).first)
                    #expect(again.isRedelivered)
                    #expect(again.tag.generation > old.tag.generation)
                }
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            try await limits(1_800_000, 60_000)
            try outcome.get()
            #expect(try await AMQPTestBroker.waitForReady(queue, 1))
        }
    }

    @Test func outlivesARestartOfTheBroker() async throws {
        let configuration = try AMQPTestBroker.configuration()
        try await AMQPTestBroker.withQueue { queue in
            try await withConsumer([queue], configuration: configuration) { (consumer, log) async throws in
                try await withPublisher(configuration: configuration) { (publisher, _) async throws in
                    #expect(await log.started(queue))
                    try await AMQPTestBroker.control("stop_app")
                    #expect(await log.disconnected() != nil)
                    async let outcome = result { () async throws(AMQPError) in
                        try await publisher.publish(AMQPTestBroker.message(queue, "a"), timeout: .seconds(60))
                    }
                    try await AMQPTestBroker.control("start_app")
                    #expect(await outcome == .success(.routed))
                    let delivery = try #require(await consumer.take(1).first)
                    #expect(delivery.properties.messageID == "a")
                    #expect(await consumer.settle(delivery.tag, .acknowledge) == .sent)
                }
            }
        }
    }

    @Test(.enabled(if: AMQPTestBroker.serviceCommand != nil)) func outlivesAKilledBroker() async throws {
        let configuration = try AMQPTestBroker.configuration()
        try await AMQPTestBroker.withQueue { queue in
            try await withConsumer([queue], configuration: configuration) { (consumer, log) async throws in
                try await withPublisher(configuration: configuration) { (publisher, _) async throws in
                    #expect(await log.started(queue))
                    #expect(try await publisher.publish(AMQPTestBroker.message(queue, "before")) == .routed)
                    let held = try #require(await consumer.take(1).first)
                    try await AMQPTestBroker.killAndRestart()
                    #expect(await log.disconnected() != nil)
                    #expect(await consumer.settle(held.tag, .acknowledge) != .sent)
                    let after = try await publisher.publish(
                        AMQPTestBroker.message(queue, "after"), timeout: .seconds(90))
                    #expect(after == .routed)
                    let again = try #require(await consumer.take(1).first)
                    #expect(again.properties.messageID == "before")
                    #expect(again.isRedelivered)
                    #expect(await consumer.settle(again.tag, .acknowledge) == .sent)
                }
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 1))
        }
    }
}
