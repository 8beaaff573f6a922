// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Faults of the whole tenant, switched on and off while it runs.
package struct TenantFaults: Sendable, Hashable, Codable {
    /// Every token is refused with 401, on every call.
    package var tokensRefused = false
    /// The token endpoint refuses the credentials with 401.
    package var credentialsRefused = false
    /// Everything answers 503.
    package var unavailable = false
    /// Nothing answers.
    package var hanging = false
    /// Scopes that no token has any more.
    package var missingScopes: [String] = []
    /// The secret is another one now; tokens issued before go on working.
    package var clientSecret: String?
    /// Every API path is 404, as with a wrong base path.
    package var wrongBasePath = false

    /// Makes a healthy tenant's faults: none.
    package init() {}

    /// A change of some of the faults: keys that are absent stay as they are, `null` resets.
    mutating func apply(json: [UInt8]) throws(ScenarioFileError) {
        let changes: [String: JSONValue]
        do {
            changes = try JSONDecoder().decode([String: JSONValue].self, from: Data(json))
        } catch {
            throw ScenarioFileError(description: "fault: not a JSON object")
        }
        var updated = self
        for (key, value) in changes.sorted(by: { $0.key < $1.key }) {
            guard updated.apply(key, value) else {
                throw ScenarioFileError(description: "fault: unknown key or wrong type: \(key)")
            }
        }
        self = updated
    }

    private mutating func apply(_ key: String, _ value: JSONValue) -> Bool {
        switch (key, value) {
        case ("tokensRefused", .bool(let on)): tokensRefused = on
        case ("credentialsRefused", .bool(let on)): credentialsRefused = on
        case ("unavailable", .bool(let on)): unavailable = on
        case ("hanging", .bool(let on)): hanging = on
        case ("wrongBasePath", .bool(let on)): wrongBasePath = on
        case ("missingScopes", .array(let scopes)): missingScopes = scopes.compactMap(\.string)
        case ("clientSecret", .string(let secret)): clientSecret = secret
        case ("clientSecret", .null): clientSecret = nil
        default: return false
        }
        return true
    }
}
