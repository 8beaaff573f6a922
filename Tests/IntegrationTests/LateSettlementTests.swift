// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import ObjectStore
import TestKit
import Testing

/// A delivery tag names another message after a reconnect: what is settled late must not reach the new channel.
@Suite(.enabled(if: Stack.isAvailable)) struct LateSettlementTests {
    @Test func theOldTagNamesAnotherMessageOnTheNewChannel() async throws {
        let (early, late) = ("takes-10s-size-20KiB-early", "takes-100s-size-20KiB-late")
        try await runBehindTCPProxy { stack, proxy, clock in
            let log = LogWatch()
            let first = try await stack.submit(model: early)
            var second = ""
            try await stack.withWorkers(logger: log.logger) {
                // Tag 1 of the first channel: a job that is under way.
                try #require(await stack.waitForRequests(1, .poll, model: early))
                proxy.stall(true)
                proxy.cut()
                // The broker has it back; somebody else borrows it, so that the worker does not get it again.
                let configuration = try AMQPTestBroker.configuration()
                try await withConsumer([stack.names.commands], prefetch: 1, configuration: configuration) { other, _ in
                    let borrowed = try #require(await other.take(1).first)
                    #expect(borrowed.properties.messageID == first)
                    // Tag 1 of the second channel: another command.
                    second = try await stack.submit(model: late)
                    proxy.stall(false)
                    try #require(await stack.waitForRequests(1, .poll, model: late))
                    // The first run ends, and its delivery is settled under a tag that now names the other command.
                    clock.advance(by: .seconds(11))
                    let isDropped = await log.wait(for: "delivery not settled: its channel is gone") {
                        $0.metadata["command.id"] == first && $0.metadata["settlement"] == "acknowledge"
                    }
                    try #require(isDropped, "\(log.text)")
                    await other.settle(borrowed.tag, .requeue)
                }
                // Delivered again it is settled for good, and the other one still is not.
                try #require(await log.wait(for: "delivery settled"), "\(log.text)")
            }
            let settled = log.lines.filter { $0.message == "delivery settled" }
            #expect(settled.map { $0.metadata["command.id"] } == [first, second], "\(log.text)")
            #expect(log.settlements == ["acknowledge", "requeue"])
            let isBack = try await stack.waitForReady(stack.names.commands, 1)
            #expect(isBack, "the other command was settled under the old tag")
            try await stack.withWorkers {
                clock.advance(by: .seconds(100))
                _ = try await stack.events.end(of: second)
            }
            try await stack.expectCompleted([first, second])
        }
    }

    @Test func runsGoOnWithoutTheirDeliveries() async throws {
        let models = (0..<8).map { "takes-10s-size-20KiB-m\($0)" }
        try await runBehindTCPProxy { stack, proxy, clock in
            let log = LogWatch()
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                for model in models { ids.append(try await stack.submit(model: model)) }
                for model in models { try #require(await stack.waitForRequests(1, .poll, model: model)) }
                for round in 1...2 {
                    proxy.cut()
                    // Every delivery of the new channel shares the run that is going on.
                    let areBack = await log.wait(for: "command received", count: (round + 1) * models.count)
                    try #require(areBack, "\(log.text)")
                }
                clock.advance(by: .seconds(11))
                try #require(await log.wait(for: "delivery settled", count: models.count), "\(log.text)")
                let late = await log.wait(for: "delivery not settled: its channel is gone", count: 2 * models.count)
                #expect(late, "\(log.text)")
            }
            #expect(log.settlements == models.map { _ in "acknowledge" }, "\(log.text)")
            #expect(log.lines.count { $0.message == "run started" } == models.count)
            try await stack.expectCompleted(ids)
        }
    }

    /// A stack whose workers reach the broker through a proxy, and whose tenant's clock stands still.
    private func runBehindTCPProxy(_ body: (Stack, TCPProxy, ManualClock) async throws -> Void) async throws {
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { proxy.close() }
        let url = try Stack.brokerURL(port: proxy.port)
        let clock = ManualClock()
        try await Stack.run(clock: clock, configure: { $0["NLU_EXPORT_AMQP_URL"] = url }) { stack in
            try await body(stack, proxy, clock)
        }
    }
}
