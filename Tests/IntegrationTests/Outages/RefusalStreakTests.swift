// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import TestKit
import Testing

/// Refusals that might be meant for everybody: a few are believed, then the tenant pauses (P7).
@Suite(.enabled(if: Stack.isAvailable)) struct RefusalStreakTests {
    private static let tenant = "tenant default"

    /// A way in which commands are refused alike.
    struct Refused: Sendable, CustomTestStringConvertible {
        let what: String
        let method: String
        let path: String
        let status: Int
        /// What a gateway writes instead of the API.
        var isHTML = false

        var testDescription: String { what }
        var fault: HTTPFault {
            isHTML
                ? .answer(status: status, headers: ["Content-Type: text/html"], body: "<html>no</html>")
                : .answer(status: status)
        }
    }

    static let refusals = [
        Refused(what: "403 on versions", method: "GET", path: "/nlu/", status: 403),
        Refused(what: "404 on versions", method: "GET", path: "/nlu/", status: 404),
        Refused(what: "404 of a gateway on versions", method: "GET", path: "/nlu/", status: 404, isHTML: true),
        Refused(what: "403 on exports", method: "POST", path: "/exports", status: 403),
        Refused(what: "403 of a gateway on exports", method: "POST", path: "/exports", status: 403, isHTML: true),
    ]

    /// Nothing is known of the tenant: at most `health.suspectAfter` commands pay for finding out.
    @Test(arguments: refusals, [1, 3]) func aTenantThatNeverServed(_ refused: Refused, suspectAfter: Int) async throws {
        try await run(suspectAfter: suspectAfter) { stack, proxy in
            let rule = proxy.add(refused.fault, method: refused.method, path: refused.path)
            let log = LogWatch()
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                for number in 0..<8 { ids.append(try await stack.submit(model: "size-20KiB-refused\(number)")) }
                let isPaused = await log.wait(for: Stack.paused) { line in
                    line.names(Self.tenant) && line.metadata["reason"]?.contains("resume --tenant default") ?? false
                }
                try #require(isPaused, "\(log.text)")
                // Trials go on at growing distances, each of them in vain.
                let before = rule.hits
                try #require(await rule.wait(forHits: before + 10), "\(log.text)")
                #expect(try await stack.ready(stack.names.dead) <= suspectAfter, "\(log.text)")
                rule.end()
                let count = ids.count
                let isOver = await stack.events.wait { Set($0.map(\.commandID)).count == count }
                try #require(isOver, "\(log.text)")
            }
            try await Self.expect(stack, ids, refused: suspectAfter)
        }
    }

    /// A version was found before: that it is refused now says that it is not this command's fault.
    @Test(arguments: refusals.filter { $0.method == "GET" }) func aTenantThatServedBefore(
        _ refused: Refused
    ) async throws {
        try await run(suspectAfter: 5) { stack, proxy in
            let rule = Watched<HTTPFaultRule?>(nil)
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.tenant, says: ["\(refused.status)"], before: 1, early: 0, late: 6,
                    strike: {
                        rule.update { $0 = proxy.add(refused.fault, method: refused.method, path: refused.path) }
                    },
                    mend: { rule.value?.end() },
                    isProbed: { await rule.value?.wait(forHits: $0) ?? false }))
        }
    }

    /// A success between them says that they are meant as they are.
    @Test func refusalsBetweenSuccesses() async throws {
        try await run(suspectAfter: 2) { stack, _ in
            let log = LogWatch()
            try await stack.withWorkers(logger: log.logger) {
                for number in 0..<4 {
                    let bad = try await stack.submit(model: "scenario-export-forbidden-\(number)")
                    _ = try await stack.events.end(of: bad)
                    let good = try await stack.submit(model: "size-20KiB-good\(number)")
                    _ = try await stack.events.end(of: good)
                }
            }
            #expect(log.lines.allSatisfy { $0.message != Stack.paused }, "\(log.text)")
            #expect(try await stack.waitForReady(stack.names.dead, 4))
        }
    }

    private func run(
        suspectAfter: Int, _ body: (Stack, HTTPFaultProxy) async throws -> Void
    ) async throws {
        try await Stack.runWithTenantProxy(
            configure: { variables in
                variables["NLU_EXPORT_HEALTH_SUSPECT_AFTER"] = "\(suspectAfter)"
                // One after the other, so that a streak is a streak.
                variables["NLU_EXPORT_AMQP_PREFETCH"] = "1"
            }, body)
    }

    /// So many failed, all others are complete, each with one trigger that was accepted.
    private static func expect(_ stack: Stack, _ ids: [String], refused: Int) async throws {
        let ends = Dictionary(grouping: stack.events.all) { $0.routingKey }
        let failed = Set(ends["nlu.export.failed"]?.compactMap(\.commandID) ?? [])
        let completed = Set(ends["nlu.export.completed"]?.compactMap(\.commandID) ?? [])
        #expect((1...refused).contains(failed.count))
        #expect(completed.union(failed) == Set(ids))
        #expect(completed.isDisjoint(with: failed))
        #expect(stack.simulator.log.jobs.count == completed.count)
        #expect(try await stack.waitForReady(stack.names.dead, failed.count))
        #expect(try await stack.waitForReady(stack.names.commands, 0))
        #expect(try await stack.audits().count == ids.count)
    }
}
