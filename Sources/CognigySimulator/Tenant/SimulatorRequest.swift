// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Which of the two listeners a request came in on.
package enum Listener: String, Sendable, Hashable, Codable {
    /// The API's own origin.
    case api
    /// The download host.
    case download
}

/// A request as the tenant's model sees it: no sockets, no framework.
struct SimulatorRequest: Sendable {
    var listener: Listener
    var method: String
    /// Path and query as sent.
    var target: String
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// The first value of a header; names in lower case.
    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// The path as sent.
    var path: Substring { target.prefix { $0 != "?" } }

    /// The fields of the query, decoded.
    var query: [String: String] {
        PercentCoding.fields(target.drop { $0 != "?" }.dropFirst(), plusIsBlank: false)
    }

    /// The token of `Authorization: Bearer …`.
    var bearer: String? {
        guard let value = header("authorization"), value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst("bearer ".count))
    }
}
