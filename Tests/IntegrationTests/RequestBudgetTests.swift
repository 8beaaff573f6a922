// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import ObjectStore
import TestKit
import Testing

/// How many requests an export takes, told exactly: one more is nothing that a test of what exports do would notice, and
/// costs a tenth of a small one.
@Suite(.enabled(if: Stack.isAvailable)) struct RequestBudgetTests {
    /// Requests by what they are for, in the order in which a request is looked for.
    static let kinds: [(name: String, method: String?, path: String, query: String)] = [
        ("lease", nil, "/\(StateKeys().workers)", ""),
        ("pauses", nil, "/\(StateKeys().pauseOrders)", ""),
        ("checkpoint read", "GET", "/state/default/", ""),
        ("checkpoint written", "PUT", "/state/default/", ""),
        ("part", "PUT", "/nlu-exports/", "partNumber="),
        ("upload begun", "POST", "/nlu-exports/", "uploads"),
        ("upload completed", "POST", "/nlu-exports/", "uploadId="),
        ("object put", "PUT", "/nlu-exports/", ""),
        ("object looked at", "HEAD", "/nlu-exports/", ""),
        ("audit record written", "PUT", "/audit/", ""),
        ("anything else", nil, "", ""),
    ]
    /// Not for any export.
    static let upkeep: Set = ["lease", "pauses"]

    @Test func small() async throws {
        try await expect(
            of: "size-4KiB-budget",
            [
                "checkpoint written": 3, "object put": 1, "object looked at": 1, "audit record written": 1,
            ])
    }

    /// Three parts.
    @Test func large() async throws {
        try await expect(
            of: "size-20MiB-budget",
            [
                "checkpoint written": 4, "upload begun": 1, "part": 3, "upload completed": 1, "object looked at": 1,
                "audit record written": 1,
            ])
    }

    /// Runs one export for everything that happens once in a worker's life, and then counts what three others take.
    private func expect(of model: String, _ budget: [String: Int]) async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let rules = Self.kinds.map { kind in
                (kind.name, proxy.add(.change { _ in }, method: kind.method, path: kind.path, query: kind.query))
            }
            let log = LogWatch()
            try await stack.withWorkers(logger: log.logger) {
                try await export("size-4KiB-first", stack, log, count: 1)
                let before = rules.map(\.1.hits)
                for count in 2...4 { try await export("\(model)-\(count)", stack, log, count: count) }
                let used = zip(rules, before).map { rule, before in (rule.0, rule.1.hits - before) }
                    .filter { $0.1 > 0 && !Self.upkeep.contains($0.0) }
                #expect(Dictionary(uniqueKeysWithValues: used) == budget.mapValues { 3 * $0 })
            }
            for count in 2...4 {
                for endpoint in [Endpoint.validate, .trigger, .poll, .download] {
                    #expect(stack.simulator.log.count(endpoint, model: "\(model)-\(count)") == 1, "\(endpoint)")
                }
            }
            #expect(stack.simulator.log.count(.token) == 1)
        }
    }

    /// One export from its command to its end; its job is done when it is first asked for.
    private func export(_ model: String, _ stack: Stack, _ log: LogWatch, count: Int) async throws {
        stack.jobsTake(.milliseconds(1))
        try await stack.submit(model: model)
        try #require(await log.wait(for: "delivery settled", count: count), "\(log.text)")
    }
}
