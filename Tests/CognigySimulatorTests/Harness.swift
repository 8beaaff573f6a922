// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

@testable import CognigySimulator

/// A tenant without sockets, on a clock that stands still, and shorthand for talking to it.
struct Harness {
    static let host = "tenant.example:8090"

    let clock = ManualClock()
    let tenant: Tenant

    init(_ change: (inout SimulatorConfiguration) -> Void = { _ in }) {
        var configuration = SimulatorConfiguration()
        change(&configuration)
        tenant = Tenant(configuration: configuration, time: SimulatorTime(clock: clock))
        tenant.listen(apiPort: 8090, downloadPort: 8091)
    }

    func send(
        _ method: String, _ target: String, on listener: Listener = .api, headers: [(String, String)] = [],
        body: String = ""
    ) -> Reply {
        tenant.handle(
            SimulatorRequest(
                listener: listener, method: method, target: target, headers: headers + [("Host", Self.host)],
                body: Array(body.utf8)))
    }

    func requestToken(
        client: String = "simulator-client", secret: String = "simulator-secret", scope: String? = nil
    ) -> Reply {
        let form = "grant_type=client_credentials&client_id=\(client)&client_secret=\(secret)"
        return send(
            "POST", "/api/v1/auth/oauth/token", headers: [("Content-Type", "application/x-www-form-urlencoded")],
            body: form + (scope.map { "&scope=\($0)" } ?? ""))
    }

    func token(client: String = "simulator-client") -> String {
        requestToken(client: client).json["access_token"]?.string ?? ""
    }

    func version(_ model: String, version: String = "1.0", token: String) -> Reply {
        send("GET", "/api/v1/nlu/models/\(model)/versions/\(version)", headers: bearer(token))
    }

    func trigger(
        _ model: String, version: String = "1.0", format: String = "ONNX", key: String? = nil, token: String
    ) -> Reply {
        let body =
            "{\"modelId\":\"\(model)\",\"version\":\"\(version)\",\"format\":\"\(format)\",\"metadata\":"
            + #"{"commandId":"command-1","runId":"run-1","environment":"test"}}"#
        return send(
            "POST", "/api/v1/nlu/models/\(model)/exports",
            headers: bearer(token) + [("Content-Type", "application/json")]
                + (key.map { [("Idempotency-Key", $0)] } ?? []),
            body: body)
    }

    func poll(_ job: String, token: String) -> Reply {
        send("GET", "/api/v1/jobs/\(job)", headers: bearer(token))
    }

    /// Triggers an export, lets it finish, and returns its job's id.
    func finishedJob(_ model: String, version: String = "1.0", token: String) -> String {
        let job = trigger(model, version: version, token: token).json["jobId"]?.string ?? ""
        clock.advance(by: .seconds(10))
        return job
    }

    func get(link: String, token: String? = nil, headers: [(String, String)] = [], method: String = "GET") -> Reply {
        let isDownloadHost = link.hasPrefix("http://tenant.example:8091/")
        let target = link.hasPrefix("http://") ? "/" + link.split(separator: "/", maxSplits: 2).last! : link
        return send(
            method, target, on: isDownloadHost ? .download : .api,
            headers: headers + (token.map { bearer($0) } ?? []))
    }

    private func bearer(_ token: String) -> [(String, String)] {
        [("Authorization", "Bearer \(token)")]
    }
}

extension Reply {
    var answer: Answer? {
        if case .answer(let answer) = outcome { answer } else { nil }
    }

    var status: Int { answer?.status ?? 0 }

    var text: String {
        if case .bytes(let bytes)? = answer?.body { String(decoding: bytes, as: UTF8.self) } else { "" }
    }

    var json: [String: JSONValue] {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)))?.object ?? [:]
    }

    var transfer: ArtifactTransfer? {
        if case .artifact(let transfer)? = answer?.body { transfer } else { nil }
    }

    func header(_ name: String) -> String? {
        answer?.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
