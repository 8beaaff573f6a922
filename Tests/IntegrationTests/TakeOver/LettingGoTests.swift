// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// Letting go of deliveries and of runs: never a failed attempt, never a second trigger.
@Suite(.enabled(if: Stack.isAvailable)) struct LettingGoTests {
    private static let model = "size-20KiB-long"

    /// An export that outlasts what the broker lends for: its delivery goes back and comes again, its run goes on.
    @Test(arguments: [1, 2]) func anExportThatOutlastsItsDeliveries(workers: Int) async throws {
        // The shortest there is: the worker lets go after five seconds.
        let shortest = ["NLU_EXPORT_AMQP_CONSUMER_TIMEOUT": "125s"]
        try await Stack.run(configure: Stack.unforgiving) { stack in
            stack.jobsTake(.seconds(3600))
            let log = LogWatch()
            var id = ""
            try await stack.withWorkers(workers, logger: log.logger, overriding: shortest) {
                id = try await stack.submit(model: Self.model)
                let isLentAgain = await log.wait(for: "delivery settled", count: 3) {
                    $0.metadata["settlement"] == "requeue"
                }
                try #require(isLentAgain, "\(log.text)")
                #expect(try await stack.checkpoint(of: id).owner != nil, "the run was let go of with its delivery")
                stack.jobsTake(.milliseconds(1))
                _ = try await stack.events.end(of: id)
                let isDone = await log.wait(for: "delivery settled") { $0.metadata["settlement"] == "acknowledge" }
                try #require(isDone, "\(log.text)")
            }
            #expect(log.settlements.count { $0 == "acknowledge" } == 1, "\(log.text)")
            #expect(log.lines.count { $0.message == "run started" } == 1, "\(log.text)")
            #expect(log.lines.allSatisfy { $0.message != "broker connection lost" }, "\(log.text)")
            try await stack.expectCompleted([id])
            let done = try await stack.checkpoint(of: id)
            #expect(done.epoch == 1)
            #expect(done.attempts == 0)
        }
    }

    /// Interrupted again and again, in every way: the run stays one run, and no attempt is counted.
    @Test func interruptionsAreNoAttempts() async throws {
        try await Stack.run(configure: Stack.unforgiving) { stack in
            stack.jobsTake(.seconds(3600))
            let id = try await stack.submit(model: Self.model)
            for round in 1...3 {
                let log = LogWatch()
                try await stack.withWorkers(logger: log.logger) {
                    try #require(await log.wait(for: "progress"), "\(log.text)")
                }
                #expect(log.settlements == ["requeue"], "\(log.text)")
                let released = try await stack.checkpoint(of: id)
                #expect(released.attempts == 0 && released.owner == nil && released.epoch == 2 * round - 1)
                try await stack.withProcess { worker in
                    try #require(await worker.wait(forErrors: "\"run started\""), "\(worker.errors)")
                }
                let killed = try await stack.checkpoint(of: id)
                #expect(killed.attempts == 0 && killed.owner != nil && killed.epoch == 2 * round)
            }
            stack.jobsTake(.milliseconds(1))
            let log = LogWatch()
            try await stack.withWorkers(logger: log.logger) {
                try #require(await log.wait(for: "delivery settled"), "\(log.text)")
            }
            try await stack.expectCompleted([id])
        }
    }
}
