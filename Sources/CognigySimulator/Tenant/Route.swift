// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The endpoints of the simulator.
package enum Endpoint: String, Sendable, Hashable, Codable, CaseIterable {
    case token, validate, trigger, poll, download, admin, unknown
}

/// What a path names. Another version of the API is another set of cases here and another handler behind them.
enum Route: Sendable, Hashable {
    case token
    case version(model: String, version: String)
    case exports(model: String)
    case job(String)
    case artifact(job: String)
    case admin(String)
    case unknown

    /// Reads a path of the API's origin; ids are percent-decoded.
    init(path: Substring, basePath: String, listener: Listener) {
        let raw = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if raw.first == "_sim", listener == .api {
            self = .admin(raw.dropFirst().joined(separator: "/"))
            return
        }
        let relevant = listener == .api ? Self.strip(basePath, from: path) : path
        guard let segments = relevant.flatMap(Self.segments) else {
            self = .unknown
            return
        }
        self = listener == .api ? Self.api(segments) : Self.download(segments)
    }

    var endpoint: Endpoint {
        switch self {
        case .token: .token
        case .version: .validate
        case .exports: .trigger
        case .job: .poll
        case .artifact: .download
        case .admin: .admin
        case .unknown: .unknown
        }
    }

    private static func api(_ segments: [String]) -> Route {
        guard segments.starts(with: ["api", "v1"]) else { return .unknown }
        let rest = segments.dropFirst(2).map { $0 }
        switch (rest.count, rest.first) {
        case (3, "auth") where rest[1] == "oauth" && rest[2] == "token":
            return .token
        case (5, "nlu") where rest[1] == "models" && rest[3] == "versions":
            return .version(model: rest[2], version: rest[4])
        case (4, "nlu") where rest[1] == "models" && rest[3] == "exports":
            return .exports(model: rest[2])
        case (2, "jobs"):
            return .job(rest[1])
        case (2, "artifacts"):
            return .artifact(job: rest[1])
        default:
            return .unknown
        }
    }

    private static func download(_ segments: [String]) -> Route {
        segments.count == 2 && segments[0] == "artifacts" ? .artifact(job: segments[1]) : .unknown
    }

    private static func strip(_ basePath: String, from path: Substring) -> Substring? {
        path.hasPrefix(basePath) ? path.dropFirst(basePath.count) : nil
    }

    private static func segments(_ path: Substring) -> [String]? {
        let decoded = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            .map { PercentCoding.decode($0) }
        return decoded.contains(nil) ? nil : decoded.compactMap { $0 }
    }
}
