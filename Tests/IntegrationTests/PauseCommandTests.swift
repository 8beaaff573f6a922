// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Foundation
import HTTPTransport
import ObjectStore
import TestKit
import Testing

/// `pause` and `resume` on a real bucket.
@Suite(.enabled(if: Stack.isAvailable)) struct PauseCommandTests {
    private func orders(_ stack: Stack) async throws -> PauseOrders {
        let object = try await stack.store.get(StateKeys().pauseOrders, maximumBytes: 1 << 20)
        return try PauseOrdersCodec.decode(object.bytes)
    }

    /// What makes a configuration of several tenants.
    private func tenants(_ names: [String]) -> [String: String] {
        [
            "NLU_EXPORT_COGNIGY_TENANT_NAMES": names.joined(separator: ","),
            "NLU_EXPORT_S3_KEY_TEMPLATE": "nlu-exports/{tenant}/{modelId}/{version}/{exportId}.{extension}",
        ]
    }

    @Test func pausesAndResumes() async throws {
        try await Stack.run { stack in
            let nothing = try await stack.finish(["pause", "--show"])
            #expect(nothing.output == "nothing is paused\n")
            let tenant = try await stack.finish(["pause", "--tenant", "default", "--reason", "night shift"])
            #expect(tenant.output == "paused tenant default; workers follow within 500ms (lease.renew)\n")
            let again = try await stack.finish(["pause", "--tenant", "default", "--reason", "other"])
            #expect(again.output.contains("was paused already") && again.output.contains("night shift"))
            _ = try await stack.finish(["pause"])
            #expect(try await orders(stack).tenants["default"]?.reason == "night shift")
            #expect(try await orders(stack).everything != nil)

            let show = try await stack.finish(["pause", "--show", "--output", "json"])
            let document = try StrictJSON.parse(Array(show.output.utf8))
            #expect(document["tenants"]?["default"]?["reason"]?.string == "night shift")
            #expect(document["everything"]?["by"]?.string?.contains("@") == true)

            let resumed = try await stack.finish(["resume"])
            #expect(resumed.output.contains("tenant default is still paused"))
            let before = try await orders(stack)
            _ = try await stack.finish(["resume", "--tenant", "default"])
            let after = try await orders(stack)
            #expect(after.isEmpty && after.resumed(since: before) == ["default"])
            _ = try await stack.finish(["resume", "--tenant", "default"])
            #expect(try await orders(stack).resumed(since: after) == ["default"], "each resumption is news")
        }
    }

    @Test func aPausedFleetTakesNothingUntilItIsResumed() async throws {
        try await Stack.run { stack in
            _ = try await stack.finish(["pause", "--reason", "moving"])
            let log = LogWatch()
            try await stack.withWorkers(2, logger: log.logger) {
                let id = try await stack.submit(model: "size-20KiB-later")
                let isPaused = await log.wait(for: "paused: a dependency is out of order", count: 2) { line in
                    line.metadata.values.contains { $0.contains("moving") }
                }
                #expect(isPaused, "\(log.text)")
                #expect(try await stack.waitForReady(stack.names.commands, 1))
                #expect(stack.simulator.log.triggers.isEmpty)
                _ = try await stack.finish(["resume"])
                _ = try await stack.events.end(of: id)
                try await stack.expectCompleted([id])
            }
        }
    }

    @Test func aTenantThatNobodyKnowsIsRefused() async throws {
        try await Stack.run { stack in
            for command in ["pause", "resume"] {
                let (_, errors) = try await stack.finish([command, "--tenant", "defualt"], exit: 64)
                #expect(errors.contains("tenant defualt is not configured; known: default (cognigy.tenantNames)"))
            }
            #expect(try await stack.store.listAll(prefix: "state/_control").isEmpty)
            // One that was paused and is configured no longer can still be resumed.
            let earlier = tenants(["default", "past"])
            _ = try await stack.finish(["pause", "--tenant", "past"], overriding: earlier)
            _ = try await stack.finish(["resume", "--tenant", "past"])
            #expect(try await orders(stack).isEmpty)
        }
    }

    @Test func operatorsDoNotUndoEachOther() async throws {
        try await Stack.run { stack in
            let names = (1...6).map { "tenant-\($0)" }
            let variables = tenants(names)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in names {
                    group.addTask {
                        _ = try await stack.finish(["pause", "--tenant", name], overriding: variables)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await orders(stack).tenants.keys.sorted() == names)
        }
    }

    @Test func aLostAnswerIsNoSecondOrder() async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let fault = proxy.add(.loseAnswer(), method: "PUT", path: "/state/_control/pause.json", times: 1)
            let (output, _) = try await stack.finish(["pause", "--reason", "why"])
            #expect(output.hasPrefix("paused everything"))
            #expect(fault.hits == 1)
            #expect(try await orders(stack).everything?.reason == "why")
        }
    }

    @Test(
        arguments: [
            (["AWS_SECRET_ACCESS_KEY": "wrong"], 77), (["NLU_EXPORT_S3_ENDPOINT": "http://127.0.0.1:1"], 69),
            (["NLU_EXPORT_S3_BUCKET": "not-there"], 69), (["NLU_EXPORT_S3_BUCKET": ""], 78),
        ] as [([String: String], Int32)])
    func aStoreThatCannotBeUsedIsSaid(changes: [String: String], exit: Int32) async throws {
        try await Stack.run { stack in
            let (output, errors) = try await stack.finish(["pause"], overriding: changes, exit: exit)
            #expect(output.isEmpty && !errors.isEmpty)
        }
    }

    @Test func ordersOfANewerProgramAreLeftAlone() async throws {
        try await Stack.run { stack in
            let newer = Array(#"{"schema":2,"everything":true}"#.utf8)
            _ = try await stack.store.put(StateKeys().pauseOrders, .bytes(newer))
            for command in [["pause"], ["resume", "--all"], ["pause", "--show"]] {
                let (_, errors) = try await stack.finish(command, exit: 78)
                #expect(errors.contains("use the newer program"), "\(errors)")
            }
            #expect(try await stack.store.get(StateKeys().pauseOrders, maximumBytes: 1000).bytes == newer)
        }
    }
}
