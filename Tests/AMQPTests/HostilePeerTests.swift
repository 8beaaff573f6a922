// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing

@testable import AMQP

/// A server that answers every connection with the same bytes and then ends it.
private final class FixedAnswerServer: Sendable {
    let port: Int
    private let listener: Int32

    init(_ answer: [UInt8]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
                    && listen(listener, 8) == 0
            }
        }
        try #require(isListening)
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                _ = unsafe answer.withUnsafeBytes {
                    unsafe send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                shutdown(client, Int32(SHUT_WR))
                var bytes = [UInt8](repeating: 0, count: 1024)
                while unsafe recv(client, &bytes, bytes.count, 0) > 0 {}
                close(client)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

@Suite struct HostilePeerTests {
    private func connect(port: Int, useTLS: Bool = false) async -> AMQPError? {
        var configuration = AMQPConnectionConfiguration(
            endpoints: [AMQPEndpoint(host: "127.0.0.1", port: port, useTLS: useTLS, password: "hunter2")],
            connectionName: "test")
        configuration.connectTimeout = .seconds(5)
        do throws(AMQPError) {
            try await AMQPAdmin.withConnection(configuration) { (_) throws(AMQPError) in }
            return nil
        } catch {
            return error
        }
    }

    @Test(
        arguments: [
            [], Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), Array("AMQP\u{0}\u{0}\u{9}\u{0}".utf8),
            [1, 0, 0, 0, 0, 0, 0, 0xCE], [1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xCE],
            [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 10, 0xCE],
            [2, 0, 0, 0, 0, 0, 1, 0, 0xCE], [3, 0, 9, 0, 0, 0, 1, 0, 0xCE], [8, 0, 0, 0, 0, 0, 0, 0xCE],
            [UInt8](repeating: 0xFF, count: 4096), [UInt8](repeating: 0, count: 4096),
        ] as [[UInt8]])
    func aPeerThatIsNoBrokerIsAnError(answer: [UInt8]) async throws {
        let server = try FixedAnswerServer(answer)
        let error = try #require(await connect(port: server.port))
        #expect([.connect, .connectionLost, .protocolViolation].contains(error.code))
        #expect(error.isRetriable)
        #expect(!"\(error)".contains("hunter2"))
    }

    @Test func aPeerWithoutTLSIsAnError() async throws {
        let server = try FixedAnswerServer(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        let error = try #require(await connect(port: server.port, useTLS: true))
        #expect(error.code == .tls)
    }

    @Test func aClosedPortIsAnError() async throws {
        let port = try FixedAnswerServer([]).port
        let error = try #require(await connect(port: port))
        #expect(error.code == .connect)
        #expect(error.message.contains("127.0.0.1:\(port)"))
    }

    @Test func aConsumerWithoutABrokerSaysWhyAndStops() async throws {
        let port = try FixedAnswerServer([]).port
        var configuration = AMQPConnectionConfiguration(
            endpoints: [AMQPEndpoint(host: "127.0.0.1", port: port)], connectionName: "test")
        configuration.reconnectInitial = .milliseconds(1)
        configuration.reconnectMax = .milliseconds(5)
        let consumer = try AMQPConsumer(
            connection: configuration, topology: .none,
            subscriptions: [AMQPSubscription(queue: "q", prefetch: 1, consumerTag: "c")], maximumBodyBytes: 1,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        async let running: Void = consumer.run()
        var failures = 0
        for await event in consumer.events {
            guard case .disconnected(let error) = event else { continue }
            #expect(error.code == .connect)
            failures += 1
            if failures == 3 { break }
        }
        #expect(!consumer.status.isConnected)
        #expect(consumer.status.lastError?.code == .connect)
        await consumer.shutdown()
        await running
        for await _ in consumer.deliveries { Issue.record("a delivery") }
    }

    @Test func aPublisherWithoutABrokerKeepsTime() async throws {
        let port = try FixedAnswerServer([]).port
        var configuration = AMQPConnectionConfiguration(
            endpoints: [AMQPEndpoint(host: "127.0.0.1", port: port)], connectionName: "test")
        configuration.reconnectInitial = .seconds(60)
        configuration.reconnectMax = .seconds(60)
        let publisher = try AMQPPublisher(
            connection: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        async let running: Void = publisher.run()
        let message = AMQPMessage(exchange: "", routingKey: "q", properties: AMQPProperties(), body: [])
        do throws(AMQPError) {
            _ = try await publisher.publish(message, timeout: .milliseconds(50))
            Issue.record("published")
        } catch {
            #expect(error.code == .notConnected)
            #expect(!error.wasSent)
            #expect(error.isRetriable)
        }
        await publisher.shutdown()
        await running
    }
}
