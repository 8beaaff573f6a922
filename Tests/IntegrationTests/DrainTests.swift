// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import ObjectStore
import TestKit
import Testing

/// A worker that is told to stop: what only waits is handed over, what moves is finished, nothing is lost or done twice.
@Suite(.enabled(if: Stack.isAvailable)) struct DrainTests {
    @Test func whatOnlyWaitsIsReleased() async throws {
        let model = "takes-10s-size-20KiB-drain"
        let clock = ManualClock()
        try await Stack.run(clock: clock) { stack in
            var id = ""
            let first = LogWatch()
            try await stack.withWorkers(logger: first.logger) {
                id = try await stack.submit(model: model)
                try #require(await stack.waitForRequests(2, .poll, model: model))
            }
            #expect(first.settlements == ["requeue"], "\(first.text)")
            let isBack = try await stack.waitForReady(stack.names.commands, 1)
            #expect(isBack, "the command is not in its queue")
            let released = try await stack.checkpoint(of: id)
            #expect(released.owner == nil)
            #expect(released.attempts == 0, "being interrupted is no failed attempt")
            #expect(released.stage == .triggered)
            #expect(try await stack.leases() == [])

            let second = LogWatch()
            try await stack.withWorkers(logger: second.logger) {
                clock.advance(by: .seconds(11))
                _ = try await stack.events.end(of: id)
            }
            #expect(second.settlements == ["acknowledge"], "\(second.text)")
            try await stack.expectCompleted([id])
            let done = try await stack.checkpoint(of: id)
            #expect(done.runID == released.runID && done.job == released.job && done.epoch == 2)
            #expect(try await stack.leases() == [])
        }
    }

    @Test(arguments: ["size-20KiB-moving", "size-20MiB-moving"]) func aTransferIsFinished(model: String) async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", times: 1)
            let log = LogWatch()
            var id = ""
            var letting: Task<Void, Never>?
            try await stack.withWorkers(logger: log.logger) {
                id = try await stack.submit(model: model)
                try #require(await held.wait(forHits: 1))
                letting = Task {
                    _ = await log.wait(for: "draining")
                    held.end()
                }
            }
            await letting?.value
            #expect(log.settlements == ["acknowledge"], "\(log.text)")
            _ = try await stack.events.end(of: id)
            try await stack.expectCompleted([id])
            #expect(try await stack.leases() == [])
        }
    }

    @Test func afterTheGraceATransferIsGivenUp() async throws {
        let model = "size-40MiB-stuck"
        try await Stack.runBehindFaultProxy(configure: { $0["NLU_EXPORT_SHUTDOWN_GRACE"] = "1s" }) { stack, proxy in
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", query: "partNumber=3")
            let first = LogWatch()
            var id = ""
            try await stack.withWorkers(logger: first.logger) {
                id = try await stack.submit(model: model)
                try #require(await held.wait(forHits: 1))
            }
            held.end()
            #expect(first.settlements == ["requeue"], "\(first.text)")
            let isBack = try await stack.waitForReady(stack.names.commands, 1)
            #expect(isBack, "the command is not in its queue")
            #expect(try await stack.checkpoint(of: id).owner == nil)
            #expect(try await stack.store.listMultipartUploads().isEmpty)
            #expect(try await stack.leases() == [])

            try await stack.withWorkers { _ = try await stack.events.end(of: id) }
            try await stack.expectCompleted([id])
        }
    }
}
