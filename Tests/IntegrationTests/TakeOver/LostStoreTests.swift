// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// A worker that loses the store and keeps the broker: others take over what it owned when its lease has run out, and
/// it finds itself overtaken when it is back.
@Suite(.enabled(if: Stack.isAvailable)) struct LostStoreTests {
    @Test(arguments: ["size-20KiB-cut", "size-20MiB-cut"]) func oneWorkerOnly(model: String) async throws {
        try await Stack.runBehindFaultProxy(configure: Stack.unforgiving) { stack, proxy in
            let server = try #require(ObjectStoreServer.shared)
            let isLarge = model.hasPrefix("size-20MiB")
            // In the middle of its upload, or with the object about to be put.
            let held = proxy.add(.hold, method: "PUT", path: "/nlu-exports/", query: isLarge ? "partNumber=2" : "")
            let (lost, heir) = (LogWatch(), LogWatch())
            var ids: [String] = []
            try await stack.withWorkers(logger: lost.logger) {
                ids.append(try await stack.submit(model: model))
                try #require(await held.wait(forHits: 1), "\(lost.text)")
                let isGone = proxy.add(.cut)
                held.end()
                let isPaused = await lost.wait(for: Stack.paused) { $0.names("object store") }
                try #require(isPaused, "\(lost.text)")
                try #require(await lost.wait(for: "consumer cancelled"), "\(lost.text)")
                try await stack.withWorkers(
                    logger: heir.logger, overriding: ["NLU_EXPORT_S3_ENDPOINT": server.endpoint]
                ) {
                    ids.append(try await stack.submit(model: "size-20KiB-meanwhile"))
                    for id in ids { _ = try await stack.events.end(of: id) }
                    try #require(await heir.wait(for: "run taken over"), "\(heir.text)")
                    try #require(await heir.wait(for: "delivery settled", count: 2), "\(heir.text)")
                }
                isGone.end()
                try #require(await lost.wait(for: "run overtaken by another worker"), "\(lost.text)")
                try #require(await lost.wait(for: Stack.resumed), "\(lost.text)")
                ids.append(try await stack.submit(model: "size-20KiB-afterwards"))
                try #require(await lost.wait(for: "delivery settled") { $0.metadata["settlement"] == "acknowledge" })
            }
            #expect(lost.settlements == ["requeue", "acknowledge"], "\(lost.text)")
            #expect(heir.settlements == ["acknowledge", "acknowledge"], "\(heir.text)")
            try await stack.expectCompleted(ids)
            #expect(try await stack.checkpoint(of: ids[0]).epoch == 2)
            #expect(try await stack.leases() == [])
        }
    }

    /// The store does not answer at all: no error tells, but the delivery goes back when it is due.
    @Test func oneWorkerBehindAPartition() async throws {
        let server = try #require(ObjectStoreServer.shared)
        let store = try TCPProxy(to: try #require(URLComponents(string: server.endpoint)?.port))
        defer { store.close() }
        let cutOff = [
            "NLU_EXPORT_S3_ENDPOINT": "http://127.0.0.1:\(store.port)",
            // The shortest there is: the worker lets go after five seconds.
            "NLU_EXPORT_AMQP_CONSUMER_TIMEOUT": "125s",
        ]
        try await Stack.run(configure: Stack.unforgiving) { stack in
            stack.jobsTake(.seconds(3600))
            let (lost, heir) = (LogWatch(), LogWatch())
            var id = ""
            try await stack.withWorkers(logger: lost.logger, overriding: cutOff) {
                id = try await stack.submit(model: "size-20KiB-partition")
                try #require(await stack.waitForRequests(1, .poll), "\(lost.text)")
                store.stall(true)
                stack.jobsTake(.milliseconds(1))
                try await stack.withWorkers(logger: heir.logger) {
                    try #require(await heir.wait(for: "delivery settled"), "\(heir.text)")
                }
                store.stall(false)
                try #require(await lost.wait(for: "run overtaken by another worker"), "\(lost.text)")
            }
            #expect(heir.settlements == ["acknowledge"], "\(heir.text)")
            #expect(lost.settlements.allSatisfy { $0 == "requeue" }, "\(lost.text)")
            try await stack.expectCompleted([id])
            let done = try await stack.checkpoint(of: id)
            #expect(done.epoch == 2 && done.attempts == 0)
        }
    }
}
