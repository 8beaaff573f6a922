// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import TestKit
import Testing

/// A queue taken from under a running worker, and put back.
@Suite(.enabled(if: Stack.isAvailable)) struct RecoveryTests {
    @Test func aDeletedQueueComesBackWithItsCommands() async throws {
        let clock = ManualClock()
        let (early, late) = ("takes-10s-size-20KiB-early", "takes-100s-size-20KiB-late")
        try await Stack.run(clock: clock) { stack in
            let log = LogWatch()
            let names = stack.names
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                ids.append(try await stack.submit(model: early))
                try #require(await stack.waitForRequests(1, .poll, model: early), "\(log.text)")

                _ = try await stack.onBroker { session throws(AMQPError) in try session.delete(queue: names.commands) }
                try #require(await log.wait(for: "consumer cancelled") { $0.metadata["by.server"] == "true" })
                // The worker declares its queue anew, with everything that belongs to it.
                try #require(await log.wait(for: "consuming", count: 2), "\(log.text)")
                ids.append(try await stack.submit(model: late))
                try #require(await stack.waitForRequests(1, .poll, model: late), "\(log.text)")

                // The first run ends. Its delivery went with the queue: settled on the new one it would hit the other.
                clock.advance(by: .seconds(11))
                _ = try await stack.events.end(of: ids[0])
                let isDropped = await log.wait(for: "delivery not settled: its channel is gone") { [id = ids[0]] in
                    $0.metadata["command.id"] == id
                }
                #expect(isDropped, "\(log.text)")
            }
            // The worker is gone, and the other command is back: nobody acknowledged it.
            let isBack = try await stack.waitForReady(names.commands, 1)
            #expect(isBack, "\(log.text)")
            try await stack.withWorkers {
                clock.advance(by: .seconds(100))
                _ = try await stack.events.end(of: ids[1])
            }
            try await stack.expectCompleted(ids)
        }
    }

    @Test func acommandSentAgainAfterItsQueueWasDeletedJoinsItsRun() async throws {
        let clock = ManualClock()
        let model = "takes-10s-size-20KiB-again"
        try await Stack.run(clock: clock) { stack in
            let log = LogWatch()
            let names = stack.names
            let id = "sent-twice"
            try await stack.withWorkers(logger: log.logger) {
                try await stack.submit(model: model, id: id)
                try #require(await stack.waitForRequests(1, .poll, model: model), "\(log.text)")
                _ = try await stack.onBroker { session throws(AMQPError) in try session.delete(queue: names.commands) }
                try #require(await log.wait(for: "consuming", count: 2), "\(log.text)")
                try await stack.submit(model: model, id: id)
                try #require(await log.wait(for: "command received", count: 2), "\(log.text)")
                clock.advance(by: .seconds(11))
                try #require(await log.wait(for: "delivery settled"), "\(log.text)")
            }
            #expect(log.settlements == ["acknowledge"], "\(log.text)")
            try await stack.expectCompleted([id])
        }
    }
}
