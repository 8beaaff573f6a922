// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import ObjectStore
import TestKit
import Testing

/// The answers to the writes by which a run changes hands are lost: who wrote finds its own nonce, and nobody else
/// believes the run to be free.
@Suite(.enabled(if: Stack.isAvailable)) struct LostAnswerTakeOverTests {
    private static let model = "size-20KiB-handed-over"

    /// How far the answer comes before the connection ends: nothing of it, or its first line.
    static let lines = [0, 1]

    @Test(arguments: lines) func ofTheRelease(lines: Int) async throws {
        try await handOver { proxy in
            // Claimed and triggered were written before; the next write lets go.
            proxy.add(.loseAnswer(afterLines: lines), method: "PUT", path: "/state/default/", times: 1)
        } heirMeets: { _ in
            nil
        }
    }

    @Test(arguments: lines) func ofTheTakeOver(lines: Int) async throws {
        try await handOver { _ in
            nil
        } heirMeets: { proxy in
            proxy.add(.loseAnswer(afterLines: lines), method: "PUT", path: "/state/default/", times: 1)
        }
    }

    @Test(arguments: lines) func ofTheDecisionAfterATakeOver(lines: Int) async throws {
        try await handOver { _ in
            nil
        } heirMeets: { proxy in
            proxy.add(.loseAnswer(afterLines: lines), method: "PUT", path: "/state/default/", after: 1, times: 1)
        }
    }

    /// A worker begins and lets go, another one takes over at once (no lease ever runs out here).
    private func handOver(
        _ ownerMeets: (HTTPFaultProxy) -> HTTPFaultRule?, heirMeets: (HTTPFaultProxy) -> HTTPFaultRule?
    ) async throws {
        let patient: (inout [String: String]) -> Void = { $0["NLU_EXPORT_LEASE_EXPIRY"] = "1h" }
        try await Stack.runBehindFaultProxy(configure: patient) { stack, proxy in
            stack.jobsTake(.seconds(3600))
            let (owner, heir) = (LogWatch(), LogWatch())
            var id = ""
            var rule: HTTPFaultRule?
            try await stack.withWorkers(logger: owner.logger) {
                id = try await stack.submit(model: Self.model)
                try #require(await stack.waitForRequests(1, .poll, model: Self.model))
                rule = ownerMeets(proxy)
            }
            #expect(owner.settlements == ["requeue"], "\(owner.text)")
            #expect(try await stack.checkpoint(of: id).owner == nil)
            stack.jobsTake(.milliseconds(1))
            rule = heirMeets(proxy) ?? rule
            try await stack.withWorkers(logger: heir.logger) {
                try #require(await heir.wait(for: "delivery settled"), "\(heir.text)")
            }
            #expect(rule?.hits == 1)
            #expect(heir.settlements == ["acknowledge"], "\(heir.text)")
            #expect(heir.lines.allSatisfy { $0.message != "run overtaken by another worker" }, "\(heir.text)")
            try await stack.expectCompleted([id])
            #expect(try await stack.checkpoint(of: id).epoch == 2)
        }
    }
}
