// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// One command in the hands of two workers: one of them carries it out, both settle from what was decided.
@Suite(.enabled(if: Stack.isAvailable)) struct TwoWorkersTests {
    private static let model = "size-20KiB-shared"

    /// The owner lives behind a partition from the broker; who got its delivery watches, and settles from the decision.
    @Test func redeliveredWhileTheOwnerLivesBehindAPartition() async throws {
        let broker = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        defer { broker.close() }
        let url = try Stack.brokerURL(port: broker.port)
        try await Stack.run(configure: Self.patient) { stack in
            stack.jobsTake(.seconds(3600))
            let (owner, holder) = (LogWatch(), LogWatch())
            var id = ""
            let cutOff = ["NLU_EXPORT_AMQP_URL": url, "NLU_EXPORT_AMQP_HEARTBEAT": "1s"]
            try await stack.withWorkers(logger: owner.logger, overriding: cutOff) {
                id = try await stack.submit(model: Self.model)
                try #require(await stack.waitForRequests(1, .poll, model: Self.model))
                try await stack.withWorkers(logger: holder.logger) {
                    broker.stall(true)
                    try #require(await holder.waitsForTheOwner(), "\(holder.text)")
                    stack.jobsTake(.milliseconds(1))
                    let isAcknowledged = await holder.wait(for: "delivery settled")
                    try #require(isAcknowledged, "\(holder.text)")
                }
                broker.stall(false)
                // The owner's own delivery is nobody's any more; its event is the same one again.
                let isDropped = await owner.wait(for: "delivery not settled: its channel is gone")
                #expect(isDropped, "\(owner.text)")
            }
            #expect(holder.settlements == ["acknowledge"], "\(holder.text)")
            #expect(owner.settlements == [], "\(owner.text)")
            #expect(!holder.ran)
            try await stack.expectCompleted([id])
            #expect(try await stack.checkpoint(of: id).epoch == 1, "the run stayed its owner's")
        }
    }

    @Test func copiesOfOneCommandOnBoth() async throws {
        try await Stack.run(configure: { $0["NLU_EXPORT_AMQP_PREFETCH"] = "3" }) { stack in
            let id = UUID().uuidString
            let log = LogWatch()
            try await stack.withWorkers(2, logger: log.logger) {
                for _ in 0..<12 { try await stack.submit(model: Self.model, id: id) }
                let areSettled = await log.wait(for: "delivery settled", count: 12)
                try #require(areSettled, "\(log.text)")
            }
            #expect(log.settlements == Array(repeating: "acknowledge", count: 12), "\(log.text)")
            #expect(log.lines.count { $0.message == "run started" } == 1, "\(log.text)")
            try await stack.expectCompleted([id])
            #expect(try await stack.checkpoint(of: id).epoch == 1)
        }
    }

    /// Another command under the same id touches nothing of the one that is carried out elsewhere.
    @Test func anotherCommandUnderTheSameID() async throws {
        try await Stack.run(configure: Self.patient) { stack in
            stack.jobsTake(.seconds(3600))
            let id = UUID().uuidString
            let (owner, other) = (LogWatch(), LogWatch())
            try await stack.withWorkers(logger: owner.logger) {
                try await stack.submit(model: Self.model, id: id)
                try #require(await stack.waitForRequests(1, .poll, model: Self.model))
                let before = try await stack.checkpoint(of: id)
                try await stack.withWorkers(logger: other.logger) {
                    try await stack.submit(model: "size-20KiB-another", id: id)
                    try #require(await other.wait(for: "delivery settled"), "\(other.text)")
                }
                #expect(try await stack.checkpoint(of: id) == before)
                stack.jobsTake(.milliseconds(1))
                try #require(await owner.wait(for: "delivery settled"), "\(owner.text)")
            }
            #expect(other.settlements == ["reject"], "\(other.text)")
            #expect(owner.settlements == ["acknowledge"], "\(owner.text)")
            let codes = stack.events.of(id).compactMap(\.errorCode)
            #expect(codes == ["command_id_conflict"])
            #expect(stack.simulator.log.triggers.map(\.modelID) == [Self.model])
            #expect(try await stack.waitForReady(stack.names.dead, 1))
            #expect(try await stack.artifacts().count == 1)
        }
    }

    /// Who watches an owner that lets go takes over at once, without waiting for its lease to run out.
    @Test func theOwnerReleasesItWhileAnotherWatches() async throws {
        let never = ["NLU_EXPORT_LEASE_EXPIRY": "1h"]
        try await Stack.run(configure: Self.patient) { stack in
            stack.jobsTake(.seconds(3600))
            let (owner, heir) = (LogWatch(), LogWatch())
            let id = UUID().uuidString
            let isWatched = TestSignal()
            let takingOver = Task {
                await isWatched.wait()
                try await stack.withWorkers(logger: heir.logger, overriding: never) {
                    try await stack.submit(model: Self.model, id: id)
                    try #require(await heir.wait(for: "run started"), "\(heir.text)")
                    stack.jobsTake(.milliseconds(1))
                    try #require(await heir.wait(for: "delivery settled", count: 2), "\(heir.text)")
                }
            }
            try await stack.withWorkers(logger: owner.logger, overriding: never) {
                try await stack.submit(model: Self.model, id: id)
                try #require(await stack.waitForRequests(1, .poll, model: Self.model))
                isWatched.fire()
                try #require(await heir.waitsForTheOwner(), "\(heir.text)")
            }
            try await takingOver.value
            #expect(owner.settlements == ["requeue"], "\(owner.text)")
            #expect(heir.settlements == ["acknowledge", "acknowledge"], "\(heir.text)")
            try await stack.expectCompleted([id])
            let done = try await stack.checkpoint(of: id)
            #expect(done.epoch == 2)
            #expect(done.attempts == 0)
        }
    }

    /// One command at a time, so that copies go to different workers.
    private static func patient(_ variables: inout [String: String]) {
        variables["NLU_EXPORT_AMQP_PREFETCH"] = "1"
    }
}

extension LogWatch {
    /// Waits until a worker has found a command in the hands of a living owner.
    func waitsForTheOwner() async -> Bool {
        await wait(for: "waiting") { $0.metadata["reason"] == "watching" }
    }

    /// Whether a worker carried anything out.
    var ran: Bool { lines.contains { ["run started", "run taken over"].contains($0.message) } }
}
