// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import Synchronization
import TestKit
import Testing

/// A broker that takes no messages: nothing new is begun, what is done waits to be announced (P7).
@Suite(.enabled(if: Stack.isAvailable)) struct BrokerOutageTests {
    @Test func anAlarmHoldsPublishingAndPauses() async throws {
        let broker = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { broker.close() }
        let url = try Stack.brokerURL(port: broker.port)
        let configure: (inout [String: String]) -> Void = {
            Stack.unforgiving(&$0)
            $0["NLU_EXPORT_AMQP_URL"] = url
            $0["NLU_EXPORT_AMQP_HEARTBEAT"] = "1s"
        }
        try await Stack.run(configure: configure) { stack in
            stack.jobsTake(.seconds(3600))
            let alarm = Alarm(on: broker)
            let log = LogWatch()
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                for number in 0..<3 { ids.append(try await stack.submit(model: "size-20KiB-early\(number)")) }
                try #require(await stack.waitForRequests(3, .poll), "\(log.text)")
                alarm.sound()
                let isTold = await log.wait(for: Stack.paused) { line in
                    line.names("broker") && line.metadata["reason"]?.contains("alarm") ?? false
                }
                try #require(isTold, "\(log.text)")
                for number in 0..<3 { ids.append(try await stack.submit(model: "size-20KiB-late\(number)")) }
                stack.jobsTake(.milliseconds(1))
                // Those under way are finished but for the event.
                try #require(await log.wait(for: "audit record written", count: 3), "\(log.text)")
                // The broker goes on counting a consumer that was cancelled and has not settled everything yet.
                try #require(try await stack.waitForReady(stack.names.commands, 3), "\(log.text)")
                try #require(await log.wait(for: "consumer cancelled"), "\(log.text)")
                // As many heartbeats as there may be missed, and more.
                try #require(await alarm.hasSounded(12), "\(log.text)")
                #expect(stack.events.all.isEmpty)
                #expect(try await stack.ready(stack.names.commands) == 3)
                alarm.end()
                for id in ids { _ = try await stack.events.end(of: id) }
            }
            #expect(log.lines.allSatisfy { $0.message != "broker connection lost" }, "\(log.text)")
            try await stack.expectCompleted(ids)
            stack.expectNothingCounted(log, ids)
            #expect(log.settlements.count == ids.count, "\(log.text)")
        }
    }
}

/// What a broker in an alarm says, put behind its heartbeats: `connection.blocked`, and in the end
/// `connection.unblocked`.
private final class Alarm: Sendable {
    private enum Phase { case silent, sounding, over }

    private let phase = Mutex(Phase.silent)
    private let count = Watched(0)

    init(on broker: TCPProxy) {
        broker.mangle { [weak self] bytes in
            guard bytes.suffix(8) == [8, 0, 0, 0, 0, 0, 0, 0xCE], let self else { return }
            switch self.phase.withLock({ $0 }) {
            case .silent: break
            case .sounding:
                bytes += Self.frame(method: 60, arguments: [6] + Array("memory".utf8))
                self.count.update { $0 += 1 }
            case .over: bytes += Self.frame(method: 61, arguments: [])
            }
        }
    }

    func sound() { phase.withLock { $0 = .sounding } }
    func end() { phase.withLock { $0 = .over } }
    func hasSounded(_ times: Int) async -> Bool { await count.wait { $0 >= times } }

    /// A method of the connection class (10) on channel 0.
    private static func frame(method: UInt8, arguments: [UInt8]) -> [UInt8] {
        [1, 0, 0, 0, 0, 0, UInt8(4 + arguments.count), 0, 10, 0, method] + arguments + [0xCE]
    }
}
