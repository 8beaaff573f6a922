// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
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
            let alarm = BrokerAlarm(on: broker)
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
                try #require(try await stack.waitForQueue(stack.names.commands, ready: 6, consumers: 0), "\(log.text)")
                // As many heartbeats as may be missed, and more.
                try #require(await alarm.hasSounded(12), "\(log.text)")
                #expect(stack.events.all.isEmpty)
                #expect(try await stack.queueState(stack.names.commands) == QueueCounts(ready: 6, consumers: 0))
                alarm.end()
                for id in ids { _ = try await stack.events.end(of: id) }
            }
            #expect(log.lines.allSatisfy { $0.message != "broker connection lost" }, "\(log.text)")
            try await stack.expectCompleted(ids)
            stack.expectNothingCounted(log, ids)
            // Those that came late may have been delivered before the consumer was cancelled.
            let handedBack = log.settlements.count { $0 == "requeue" }
            #expect((3...6).contains(handedBack), "handed back once: \(log.text)")
        }
    }
}
