// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import Foundation
import TestKit
import Testing

/// A tenant that serves nobody pauses the worker; no command is lost or fails for it (P7).
@Suite(.enabled(if: Stack.isAvailable)) struct TenantOutageTests {
    private static let tenant = "tenant default"

    /// A way in which a tenant answers everybody alike.
    struct Ill: Sendable, CustomTestStringConvertible {
        let what: String
        var method: String?
        var path = ""
        let fault: HTTPFault
        let says: [String]
        /// Tokens that are held go on working otherwise.
        var revokes = false

        var testDescription: String { what }
    }

    static let ills = [
        Ill(
            what: "token endpoint down", path: "/oauth/token", fault: .answer(status: 503), says: ["503", "token"],
            revokes: true),
        Ill(what: "all of it down", fault: .answer(status: 503), says: ["503"]),
        Ill(what: "no connection", fault: .cut, says: ["no answer"]),
        Ill(
            what: "a maintenance page for everything",
            fault: .answer(status: 200, headers: ["Content-Type: text/html"], body: "<html>Back soon</html>"),
            says: ["HTML"]),
        Ill(
            what: "everything sent to a login", fault: .answer(status: 302, headers: ["Location: https://login/"]),
            says: ["redirected", "baseUrl"]),
        Ill(what: "wrong base path", fault: .answer(status: 404), says: ["404", "tokenPath"]),
    ]

    @Test(arguments: ills) func servesNobody(_ ill: Ill) async throws {
        try await runBehindProxy { stack, proxy in
            let rule = Watched<HTTPFaultRule?>(nil)
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.tenant, says: ill.says, workers: 2,
                    strike: {
                        rule.update { $0 = proxy.add(ill.fault, method: ill.method, path: ill.path) }
                        if ill.revokes { stack.simulator.tenant.revokeTokens() }
                    },
                    mend: { rule.value?.end() },
                    isProbed: { await rule.value?.wait(forHits: $0) ?? false }))
        }
    }

    /// New tokens are to be had and good for nothing, whether or not the tenant ever served this worker.
    @Test(arguments: [0, 2]) func everyTokenIsRefused(early: Int) async throws {
        try await Stack.run(configure: Stack.unforgiving) { stack in
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.tenant, says: ["401", "service account"], early: early, workers: 2,
                    strike: { stack.simulator.tenant.faults.tokensRefused = true },
                    mend: { stack.simulator.tenant.faults.tokensRefused = false },
                    isProbed: { await stack.waitForRequests($0, .token) }))
        }
    }

    /// A scope that was taken away shows in new tokens, where the worker asks for it by name.
    @Test func aScopeIsTakenAway() async throws {
        let scope = SimulatorConfiguration.exportScopes.joined(separator: " ")
        let configure: (inout [String: String]) -> Void = {
            Stack.unforgiving(&$0)
            $0["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_SCOPE"] = scope
        }
        try await Stack.run(configure: configure) { stack in
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.tenant, says: ["lacks the scope nlu:models:export"], early: 0, late: 8, workers: 2,
                    strike: { stack.simulator.tenant.faults.missingScopes = ["nlu:models:export"] },
                    mend: { stack.simulator.tenant.faults.missingScopes = [] },
                    isProbed: { await stack.waitForRequests($0, .token) },
                    refusedTriggers: true))
        }
    }

    @Test func wrongSecretUntilTheFileIsRewritten() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        var configuration = SimulatorConfiguration.fast
        configuration.clientSecret = "old-\(UUID().uuidString)"
        try Data(configuration.clientSecret.utf8).write(to: file)
        let configure: (inout [String: String]) -> Void = {
            Stack.unforgiving(&$0)
            $0["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET"] = nil
            $0["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET_FILE"] = file.path
        }
        try await Stack.run(simulator: configuration, configure: configure) { stack in
            let next = "new-\(UUID().uuidString)"
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.tenant, says: ["401", "clientSecret"], workers: 2,
                    strike: {
                        stack.simulator.tenant.faults.clientSecret = next
                        stack.simulator.tenant.revokeTokens()
                    },
                    mend: { try Data((next + "\n").utf8).write(to: file) },
                    isProbed: { await stack.waitForRequests($0, .token) }))
        }
    }

    /// Nothing listens at the tenant's port, until it is back with all that it knew.
    @Test func connectionRefused() async throws {
        try await Stack.run(configure: Stack.unforgiving) { stack in
            var configuration = SimulatorConfiguration.fast
            (configuration.port, configuration.downloadPort) = (stack.simulator.port, stack.simulator.downloadPort)
            let again = Watched<Simulator?>(nil)
            let log = LogWatch()
            var ids: [String] = []
            try await stack.withWorkers(logger: log.logger) {
                ids.append(try await stack.submit(model: "size-20KiB-before"))
                _ = try await stack.events.end(of: ids[0])
                await stack.simulator.stop()
                for number in 0..<3 { ids.append(try await stack.submit(model: "size-20KiB-after\(number)")) }
                let isTold = await log.wait(for: Stack.paused) { line in
                    line.names(Self.tenant) && line.metadata["reason"]?.contains("no answer") ?? false
                }
                try #require(isTold, "\(log.text)")
                try #require(try await stack.waitForQueue(stack.names.commands, ready: 3, consumers: 0))
                let back = try await Simulator.start(stack.simulator.tenant, configuration)
                again.update { $0 = back }
                for id in ids { _ = try await stack.events.end(of: id) }
            }
            await again.value?.stop()
            try await stack.expectCompleted(ids)
            stack.expectNothingCounted(log, ids)
        }
    }

    /// The time of an outage is not the job's: it lasts longer than the job may take.
    @Test func theDeadlineOfAJobStandsStill() async throws {
        try await runBehindProxy({ $0["NLU_EXPORT_JOB_DEADLINE"] = "5s" }) { stack, proxy in
            let rule = Watched<HTTPFaultRule?>(nil)
            let begun = Watched<ContinuousClock.Instant?>(nil)
            try await stack.rideOut(
                OutageCourse(
                    dependency: Self.tenant, says: ["503"], early: 1, late: 1,
                    strike: { rule.update { $0 = proxy.add(.answer(status: 503)) } },
                    mend: { rule.value?.end() },
                    isProbed: { _ in
                        let since = begun.update { begun in
                            begun = begun ?? .now
                            return begun ?? .now
                        }
                        while ContinuousClock.now - since < .seconds(6) {
                            guard await rule.value?.wait(forHits: (rule.value?.hits ?? 0) + 20) ?? false else {
                                return false
                            }
                        }
                        return true
                    }))
        }
    }

    /// A stack whose workers reach their tenant through a proxy that can play faults.
    private func runBehindProxy(
        _ configure: (inout [String: String]) -> Void = { _ in }, _ body: (Stack, HTTPFaultProxy) async throws -> Void
    ) async throws {
        try await Stack.runWithTenantProxy(configure: configure, body)
    }
}

extension Stack {
    /// Runs a stack of unforgiving workers that reach their tenant through a proxy.
    static func runWithTenantProxy(
        configure: (inout [String: String]) -> Void = { _ in }, _ body: (Stack, HTTPFaultProxy) async throws -> Void
    ) async throws {
        try await run(configure: unforgiving) { bare in
            let proxy = try HTTPFaultProxy(to: bare.simulator.port)
            defer { proxy.stop() }
            let stack = bare.reconfigured {
                $0["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL"] = proxy.endpoint
                configure(&$0)
            }
            try await body(stack, proxy)
        }
    }

    /// Waits until the tenant has had so many requests of a kind in all; false once the bound is over.
    func waitForRequests(_ count: Int, _ endpoint: Endpoint) async -> Bool {
        let requests = simulator.requests()
        if simulator.log.count(endpoint) >= count { return true }
        return await within(.seconds(120)) {
            for await _ in requests where self.simulator.log.count(endpoint) >= count { return true }
            return false
        } ?? false
    }
}
