// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import Testing

/// 429: wait as asked, and never a failed attempt. Each row has a tenant of its own, since all of a tenant slows down.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyThrottleTests {
    private static let kinds = ["seconds", "date", "bare"]

    @Test func tooManyRequests() async throws {
        var rows: [PolicyRow] = []
        var clients: [String: String] = [:]
        for kind in Self.kinds {
            clients["token-\(kind)"] = "scenario-token-429-\(kind)-once"
            rows.append(.succeeds("policy-\(kind)", tenant: "token-\(kind)"))
            for endpoint in ["validate", "trigger", "poll", "download"] {
                rows.append(
                    .succeeds(
                        "scenario-\(endpoint)-429-\(kind)-once", tenant: "\(endpoint)-\(kind)",
                        triggers: endpoint == "trigger" ? 2 : 1))
            }
            rows.append(.succeeds("scenario-download-429-\(kind)-once+link-own", tenant: "own-\(kind)"))
        }
        let (table, tokens) = (rows, clients)
        try await Stack.play(table) { variables in
            Stack.addTenants(table.map(\.tenant), clients: tokens, to: &variables)
            // Any failed attempt would be the last one.
            variables["NLU_EXPORT_RETRY_MAX_ATTEMPTS"] = "1"
            variables["NLU_EXPORT_RETRY_TRIGGER_REPEATS"] = "0"
            variables["NLU_EXPORT_RETRY_TRANSFERS"] = "1"
        } then: { _, aftermath in
            for row in table where row.model.hasPrefix("scenario-") {
                Self.checkPatience(row, aftermath.log)
            }
            #expect(aftermath.log.answers["token 429"] == Self.kinds.count)
        }
    }

    /// The next request for the model came no sooner than the tenant asked for: a second, or half the first back-off.
    private static func checkPatience(_ row: PolicyRow, _ log: SimulatorLog) {
        let requests = log.recent.filter { $0.model == row.model }
        guard let refused = requests.firstIndex(where: { $0.answer == "429" }), refused + 1 < requests.count else {
            Issue.record("\(row): no 429, or nothing after it: \(requests.map(\.answer))")
            return
        }
        #expect(requests[refused + 1].at - requests[refused].at >= 0.99, "\(row)")
        #expect(requests.count { $0.answer == "429" } == 1, "\(row)")
    }
}

extension Stack {
    /// Configures tenants that are all the same simulator, some with a client of their own.
    static func addTenants(
        _ tenants: [String], clients: [String: String] = [:], to variables: inout [String: String]
    ) {
        let prefix = "NLU_EXPORT_COGNIGY_TENANTS_"
        let given = variables.filter { $0.key.hasPrefix(prefix + "DEFAULT_") }
        for key in given.keys { variables[key] = nil }
        for tenant in tenants {
            let name = tenant.uppercased().replacing("-", with: "_")
            for (key, value) in given { variables[key.replacing("_DEFAULT_", with: "_\(name)_")] = value }
            if let client = clients[tenant] { variables["\(prefix)\(name)_CLIENT_ID"] = client }
        }
        variables["NLU_EXPORT_COGNIGY_TENANT_NAMES"] = tenants.joined(separator: ",")
        variables["NLU_EXPORT_S3_KEY_TEMPLATE"] = "nlu-exports/{tenant}/{modelId}/{version}/{exportId}.{extension}"
    }
}
