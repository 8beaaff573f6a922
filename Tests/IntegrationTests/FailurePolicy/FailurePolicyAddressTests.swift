// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Testing

/// Where artifacts may come from: private addresses only where the tenant's own base or `downloadHosts` says so.
///
/// The simulator has loopback addresses alone, which as a base would allow everything. `0.0.0.0` leads to loopback too,
/// and is not counted among the private addresses that a base may have: a tenant under that name stands for a public one.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyAddressTests {
    private static let publicTenant = "public"
    /// The same with 127.0.0.1 among its download hosts.
    private static let trustingTenant = "trusting"

    @Test func privateAddresses() async throws {
        var configuration = SimulatorConfiguration.policy
        configuration.downloadPort = try await Self.freePort()
        configuration.publicDownloadURL = "http://127.0.0.1:\(configuration.downloadPort)"
        let refused = [
            "link-private-address", "link-metadata-service", "redirect-private-address", "redirect-metadata-service",
        ]
        var rows = refused.map { name in
            var row = PolicyRow.fails(
                "scenario-\(name)+link-own", .downloadRefused, at: .transfer, says: ["downloadHosts"])
            row.tenant = Self.publicTenant
            return row
        }
        var loopback = PolicyRow.fails("policy-loopback", .downloadRefused, at: .transfer, says: ["downloadHosts"])
        loopback.tenant = Self.publicTenant
        var redirected = PolicyRow.fails(
            "scenario-redirect-once", .downloadRefused, at: .transfer, says: ["downloadHosts"])
        redirected.tenant = Self.publicTenant
        rows += [loopback, redirected]
        rows.append(.succeeds("scenario-link-own", tenant: Self.publicTenant))
        rows.append(.succeeds("policy-trusted", tenant: Self.trustingTenant))
        rows.append(.succeeds("scenario-redirect-once-trusted", tenant: Self.trustingTenant))
        try await Stack.play(rows, simulator: configuration) { variables in
            Stack.addTenants([Self.publicTenant, Self.trustingTenant], to: &variables)
            for (key, value) in variables where key.hasSuffix("_BASE_URL") {
                variables[key] = value.replacing("127.0.0.1", with: "0.0.0.0")
            }
            variables["NLU_EXPORT_COGNIGY_TENANTS_TRUSTING_DOWNLOAD_HOSTS"] = "127.0.0.1"
        } then: { _, aftermath in
            #expect(aftermath.log.downloadHostRequests == 2, "what was refused was never connected to")
        }
    }

    /// A port that was free a moment ago: the download host's URL has to be known before it listens.
    private static func freePort() async throws -> Int {
        let simulator = try await Simulator.start()
        await simulator.stop()
        return simulator.downloadPort
    }
}
