// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import TestKit
import Testing

@Suite(.enabled(if: AMQPTestBroker.isAvailable), .timeLimit(.minutes(2)))
struct AMQPPublisherTests {
    @Test func confirmsWhatAQueueTookAndReturnsWhatNoneDid() async throws {
        try await AMQPTestBroker.withQueue { queue in
            try await withPublisher(configuration: try AMQPTestBroker.configuration()) { (publisher, _) async throws in
                #expect(try await publisher.publish(AMQPTestBroker.message(queue, "a")) == .routed)
                let lost = AMQPTestBroker.message("nlu-test-nobody", "b")
                #expect(try await publisher.publish(lost) == .unroutable(replyText: "NO_ROUTE"))
                var quiet = lost
                quiet.isMandatory = false
                #expect(try await publisher.publish(quiet) == .routed)
                #expect(publisher.status.outstanding == 0)
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 1))
        }
    }

    @Test func matchesThousandsOfConfirmsThatComeInAnyOrder() async throws {
        try await AMQPTestBroker.withQueue { queue in
            var limits = AMQPPublisherLimits()
            limits.maximumOutstanding = 100
            try await withPublisher(limits: limits, configuration: try AMQPTestBroker.configuration()) {
                (publisher, _) async throws in
                // Quorum queues confirm later than the broker returns: the order is mixed.
                let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for index in 0..<2000 {
                        let isRouted = index % 3 != 0
                        let message = AMQPTestBroker.message(isRouted ? queue : "nlu-test-nobody", "m\(index)")
                        group.addTask {
                            let result = try await publisher.publish(message)
                            return result != (isRouted ? .routed : .unroutable(replyText: "NO_ROUTE"))
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(wrong == 0)
            }
            #expect(try await AMQPTestBroker.waitForReady(queue, 1333))
        }
    }

    @Test func aRefusedMessageThrows() async throws {
        let full: AMQPTable = ["x-max-length": 1, "x-overflow": "reject-publish"]
        try await AMQPTestBroker.withQueue(arguments: full) { queue in
            try await withPublisher(configuration: try AMQPTestBroker.configuration()) { (publisher, _) async throws in
                #expect(try await publisher.publish(AMQPTestBroker.message(queue, "a")) == .routed)
                do throws(AMQPError) {
                    _ = try await publisher.publish(AMQPTestBroker.message(queue, "b"))
                    Issue.record("confirmed")
                } catch {
                    #expect(error.code == .nacked)
                    #expect(error.isRetriable)
                }
            }
        }
    }

    @Test func aLostConnectionFailsWhatWasSentAndComesBack() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        try await AMQPTestBroker.withQueue { queue in
            let configuration = try AMQPTestBroker.configuration(port: proxy.port)
            try await withPublisher(configuration: configuration) { (publisher, log) async throws in
                #expect(try await publisher.publish(AMQPTestBroker.message(queue, "a")) == .routed)
                proxy.swallow(true)
                async let outcome = result { () async throws(AMQPError) in
                    try await publisher.publish(AMQPTestBroker.message(queue, "b"))
                }
                while proxy.swallowedCount == 0 { await Task.yield() }
                proxy.cut()
                proxy.swallow(false)
                if case .failure(let error) = await outcome {
                    #expect(error.code == .connectionLost)
                    #expect(error.wasSent)
                    #expect(error.isRetriable)
                } else {
                    Issue.record("confirmed without an answer")
                }
                #expect(try await publisher.publish(AMQPTestBroker.message(queue, "c")) == .routed)
                #expect(publisher.status.connectCount == 2)
            }
        }
    }

    @Test func aPublishWaitsForTheConnection() async throws {
        try await AMQPTestBroker.withQueue { queue in
            let publisher = try AMQPPublisher(
                connection: try AMQPTestBroker.configuration(), logger: AMQPTestBroker.logger)
            async let early = publisher.publish(AMQPTestBroker.message(queue, "a"))
            while publisher.status.outstanding == 0 { await Task.yield() }
            async let running: Void = publisher.run()
            #expect(try await early == .routed)
            await publisher.shutdown()
            await running
        }
    }

    @Test func aMissingConfirmTimesOutAndSaysThatItWasSent() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        let configuration = try AMQPTestBroker.configuration(port: proxy.port)
        try await withPublisher(configuration: configuration) { (publisher, log) async throws in
            #expect(await log.connected())
            #expect(try await publisher.publish(AMQPTestBroker.message("nlu-test-nobody", "a")) != .routed)
            proxy.swallow(true)
            let outcome = await result { () async throws(AMQPError) in
                try await publisher.publish(
                    AMQPTestBroker.message("nlu-test-nobody", "b"), timeout: .milliseconds(200))
            }
            if case .failure(let error) = outcome {
                #expect(error.code == .confirmTimeout)
                #expect(error.wasSent)
            } else {
                Issue.record("confirmed without an answer")
            }
            proxy.swallow(false)
        }
    }

    @Test func aChannelThatConfirmsNothingAnyMoreIsMadeAnew() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        let configuration = try AMQPTestBroker.configuration(port: proxy.port)
        try await withPublisher(configuration: configuration) { (publisher, log) async throws in
            #expect(await log.connected())
            let message = AMQPTestBroker.message("nlu-test-nobody", "a")
            #expect(try await publisher.publish(message) != .routed)
            proxy.swallow(true)
            for _ in 0..<4 {
                let outcome = await result { () async throws(AMQPError) in
                    try await publisher.publish(message, timeout: .milliseconds(200))
                }
                if case .success = outcome { Issue.record("confirmed without an answer") }
            }
            #expect(await log.disconnected()?.code == .confirmTimeout)
            proxy.swallow(false)
            #expect(try await publisher.publish(message) != .routed)
        }
    }

    @Test func aSendThatGetsStuckIsEnded() async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        try await AMQPTestBroker.withQueue { queue in
            var configuration = try AMQPTestBroker.configuration(port: proxy.port)
            // librabbitmq reads without a bound when a heartbeat is missed in the midst of a send.
            configuration.heartbeat = .seconds(1)
            configuration.stuckTimeout = .seconds(3)
            try await withPublisher(configuration: configuration) { (publisher, log) async throws in
                #expect(await log.connected())
                #expect(try await publisher.publish(AMQPTestBroker.message(queue, "a")) == .routed)
                proxy.stall(true)
                let large = AMQPTestBroker.message(queue, "b", body: [UInt8](repeating: 1, count: 15 << 20))
                let outcome = await result { () async throws(AMQPError) in
                    try await publisher.publish(large, timeout: .seconds(60))
                }
                if case .failure(let error) = outcome {
                    #expect(error.code == .connectionLost)
                    #expect(error.wasSent)
                } else {
                    Issue.record("confirmed through a stalled network")
                }
                proxy.stall(false)
                #expect(try await publisher.publish(AMQPTestBroker.message(queue, "c")) == .routed)
            }
        }
    }

    @Test func aMissingExchangeIsAnErrorNotAHang() async throws {
        try await withPublisher(configuration: try AMQPTestBroker.configuration()) { (publisher, _) async throws in
            var message = AMQPTestBroker.message("k", "a")
            message.exchange = "nlu-test-no-such-exchange"
            let poison = message
            let outcome = await result { () async throws(AMQPError) in try await publisher.publish(poison) }
            if case .failure(let error) = outcome {
                #expect(error.code == .connectionLost)
                #expect(error.replyCode == 404)
                #expect("\(error)".contains("nlu-test-no-such-exchange"))
            } else {
                Issue.record("confirmed")
            }
        }
    }

    @Test func refusesAHeadersFrameThatDoesNotFitWithoutHarm() async throws {
        try await AMQPTestBroker.withQueue { queue in
            try await withPublisher(configuration: try AMQPTestBroker.configuration()) { (publisher, _) async throws in
                var message = AMQPTestBroker.message(queue, "a")
                message.properties.headers = ["big": .string(String(repeating: "x", count: 140_000))]
                let large = message
                let outcome = await result { () async throws(AMQPError) in try await publisher.publish(large) }
                if case .failure(let error) = outcome {
                    #expect(error.code == .invalidMessage)
                } else {
                    Issue.record("published")
                }
                // The largest that fits: the size computed here is the size the library writes.
                let room = 131_072 - 20
                message.properties.headers = [:]
                let rest = room - 2 - 1 - 2 - (4 + 1 + 3 + 5)
                message.properties.headers = ["big": .string(String(repeating: "x", count: rest))]
                message.properties.messageID = "a"
                #expect(try await publisher.publish(message) == .routed)
                message.properties.headers = ["big": .string(String(repeating: "x", count: rest + 1))]
                let tooLarge = message
                let second = await result { () async throws(AMQPError) in try await publisher.publish(tooLarge) }
                if case .success = second { Issue.record("published") }
                #expect(publisher.status.connectCount == 1)
            }
        }
    }
}

/// The outcome of a throwing call as a value.
func result<Value>(
    _ body: () async throws(AMQPError) -> Value
) async -> Result<Value, AMQPError> {
    do throws(AMQPError) {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}
