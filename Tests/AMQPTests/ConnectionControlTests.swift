// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Logging
import TestKit
import Testing

@testable import AMQP

/// What others see of a connection: its events, and that its thread turns.
@Suite(.timeLimit(.minutes(1))) struct ConnectionControlTests {
    private let server = AMQPServerInfo(product: "RabbitMQ", version: "3.10.8")

    @Test func everyListenerHearsEverythingAfterItHappened() throws {
        let control = try ConnectionControl()
        let heard = Watched<[String]>([])
        for name in ["a", "b"] {
            control.observe { [weak control] event in
                guard let status = control?.status else { return }
                let what =
                    "\(name) \(event == .unblocked ? "unblocked" : "other") \(status.isConnected) \(status.isBlocked)"
                heard.update { $0.append(what) }
            }
        }
        control.emit(.connected(server))
        control.emit(.blocked(reason: "memory"))
        control.emit(.unblocked)
        #expect(
            heard.value == [
                "a other true false", "b other true false", "a other true true", "b other true true",
                "a unblocked true false", "b unblocked true false",
            ])
    }

    @Test func listenersAreLetGoOfAtTheEnd() throws {
        final class Listener: Sendable {}
        let control = try ConnectionControl()
        weak var listener: Listener?
        do {
            let strong = Listener()
            listener = strong
            control.observe { _ in withExtendedLifetime(strong) {} }
        }
        #expect(listener != nil)
        control.finish()
        #expect(listener == nil)
    }

    @Test func turnsAreCountedWhileThereIsAThread() async throws {
        var configuration = AMQPConnectionConfiguration(
            endpoints: [AMQPEndpoint(host: "127.0.0.1", port: 1)], connectionName: "test")
        // It waits out its back-off all the time.
        configuration.reconnectInitial = .seconds(3600)
        configuration.reconnectMax = .seconds(3600)
        let publisher = try AMQPPublisher(
            connection: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let failed = TestSignal()
        publisher.observe { _ in failed.fire() }
        #expect(publisher.turns == nil)
        async let running: Void = publisher.run()
        await failed.wait()
        for _ in 0..<3 {
            let before = try #require(publisher.turns)
            publisher.ping()
            while publisher.turns == before { await Task.yield() }
        }
        await publisher.shutdown()
        await running
        #expect(publisher.turns == nil)
    }
}
