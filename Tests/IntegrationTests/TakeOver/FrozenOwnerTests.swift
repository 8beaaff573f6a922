// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// An owner that stops without a word: for good, or only until its run is somebody else's.
@Suite(.enabled(if: Stack.isAvailable)) struct FrozenOwnerTests {
    /// A request of the owner in the middle of which it stops.
    struct Moment: Sendable, CustomTestStringConvertible {
        let what: String
        var model = "size-20KiB-owner"
        var method = "PUT"
        var path = ""
        var query = ""
        /// So many like it go through before.
        var after = 0
        /// The run that was decided is not taken over.
        var epoch = 2
        /// The same, where what the owner had sent arrives before anybody else looks.
        var epochOnceSent: Int?

        var testDescription: String { what }
    }

    static let moments = [
        Moment(what: "claimed", path: "/state/default/", after: 1),
        Moment(what: "putting the object", path: "/nlu-exports/"),
        Moment(what: "looking at the object", method: "HEAD", path: "/nlu-exports/"),
        Moment(what: "deciding", path: "/state/default/", after: 2, epochOnceSent: 1),
        Moment(what: "writing the audit record", path: "/audit/", epoch: 1),
        Moment(what: "upload not noted", model: "size-20MiB-owner", path: "/state/default/", after: 2),
        Moment(what: "sending a part", model: "size-20MiB-owner", path: "/nlu-exports/", query: "partNumber=2"),
        Moment(
            what: "putting the parts together", model: "size-20MiB-owner", method: "POST", path: "/nlu-exports/",
            query: "uploadId="),
    ]

    @Test(arguments: moments) func itDies(at moment: Moment) async throws {
        try await run(moment, epoch: moment.epochOnceSent ?? moment.epoch) { stack, owner, rule, heir in
            owner.send(SIGKILL)
            #expect(await owner.end() == .signal(SIGKILL))
            rule.end()
            // What it had sent arrives before the heir looks: which of them is first would be chance.
            #expect(await rule.waitUntilServed())
            try await carriesOn(stack, heir)
        }
    }

    @Test(arguments: moments) func itWakesAfterItWasOvertaken(at moment: Moment) async throws {
        try await run(moment, epoch: moment.epoch) { stack, owner, rule, heir in
            owner.send(SIGSTOP)
            try await carriesOn(stack, heir)
            // What it had sent arrives late, and then it goes on.
            rule.end()
            owner.send(SIGCONT)
            let mark = moment.epoch > 1 ? "run overtaken by another worker" : "delivery not settled"
            try #require(await owner.wait(forErrors: mark), "\(owner.errors)")
            owner.send(SIGTERM)
            #expect(await owner.end() == .exit(0), "\(owner.errors)")
            #expect(try await stack.leases() == [])
        }
    }

    @Test func itWakesWhilePolling() async throws {
        try await Stack.run(configure: { $0["NLU_EXPORT_AMQP_HEARTBEAT"] = "1s" }) { stack in
            stack.jobsTake(.seconds(3600))
            let heir = LogWatch()
            var id = ""
            try await stack.withProcess { owner in
                id = try await stack.submit(model: "size-20KiB-owner")
                try #require(await stack.waitForRequests(2, .poll), "\(owner.errors)")
                owner.send(SIGSTOP)
                stack.jobsTake(.milliseconds(1))
                try await carriesOn(stack, heir)
                owner.send(SIGCONT)
                let mark = "run overtaken by another worker"
                try #require(await owner.wait(forErrors: mark), "\(owner.errors)")
                owner.send(SIGTERM)
                #expect(await owner.end() == .exit(0), "\(owner.errors)")
            }
            try await stack.expectCompleted([id])
            #expect(try await stack.checkpoint(of: id).epoch == 2)
        }
    }

    /// A worker that reaches the store by itself carries on with the command, and acknowledges it.
    private func carriesOn(_ stack: Stack, _ heir: LogWatch) async throws {
        let server = try #require(ObjectStoreServer.shared)
        try await stack.withWorkers(
            logger: heir.logger, overriding: ["NLU_EXPORT_S3_ENDPOINT": server.endpoint]
        ) {
            try #require(await heir.wait(for: "delivery settled"), "\(heir.text)")
        }
        #expect(heir.settlements == ["acknowledge"], "\(heir.text)")
    }

    private func run(
        _ moment: Moment, epoch: Int,
        _ body: (Stack, ChildProcess, HTTPFaultRule, LogWatch) async throws -> Void
    ) async throws {
        // A frozen process shows by its heartbeats that it is gone.
        try await Stack.runBehindFaultProxy(configure: { $0["NLU_EXPORT_AMQP_HEARTBEAT"] = "1s" }) { stack, proxy in
            let rule = proxy.add(
                .hold, method: moment.method, path: moment.path, query: moment.query, after: moment.after, times: 1)
            let heir = LogWatch()
            var id = ""
            try await stack.withProcess { owner in
                id = try await stack.submit(model: moment.model)
                try #require(await rule.wait(forHits: 1), "\(owner.errors)")
                try await body(stack, owner, rule, heir)
            }
            try await expectOnce(stack, id, moment, epoch: epoch)
        }
    }

    /// One job though the claim may have been triggered twice, one object, one record, one event, no upload.
    private func expectOnce(_ stack: Stack, _ id: String, _ moment: Moment, epoch: Int) async throws {
        let done = try await stack.checkpoint(of: id)
        #expect(done.epoch == epoch)
        #expect(done.attempts == 0)
        guard moment.what == "claimed" else { return try await stack.expectCompleted([id]) }
        // It triggered and could not write that down: the second trigger has the same key, and finds the same job.
        #expect(Set(stack.simulator.log.triggers.map(\.idempotencyKey)) == [done.runID])
        #expect(stack.simulator.log.jobs.count == 1)
        #expect(try await stack.artifacts().count == 1)
        #expect(try await stack.audits().map { $0["outcome"] as? String } == ["SUCCESS"])
        #expect(Set(stack.events.of(id).map(\.id)).count == 1)
        #expect(try await stack.waitForReady(stack.names.commands, 0))
    }
}
