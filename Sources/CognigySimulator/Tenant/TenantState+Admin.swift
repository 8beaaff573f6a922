// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TenantState {
    private struct ScenarioList: Encodable {
        struct Entry: Encodable {
            var id: String
            var summary: String
        }

        var catalogue = Catalogue.scenarios.map { Entry(id: "scenario-" + $0.name, summary: $0.summary) }
        var rules: [Rule]
    }

    /// The admin API under `/_sim/`; it is not part of the log and whole-tenant faults do not touch it.
    mutating func admin(_ path: String, _ request: SimulatorRequest, at now: Moment) -> Answer {
        switch (request.method, path) {
        case ("GET", "health"): return .json(200, ["status": "ok"])
        case ("GET", "log"): return .json(200, snapshot)
        case ("GET", "scenarios"): return .json(200, ScenarioList(rules: rules.map(\.rule)))
        case ("GET", "fault"): return .json(200, faults)
        case ("GET", "artifact"): return digest(request.query)
        case ("POST", "reset"):
            reset()
            return .json(200, ["status": "reset"])
        case ("POST", "scenarios"): return addScenarios(request.body)
        case ("POST", "fault"):
            do {
                try faults.apply(json: request.body)
                return .json(200, faults)
            } catch {
                return .error(400, "bad_request", error.description)
            }
        default:
            return .error(404, "not_found", "no such admin path; see --help")
        }
    }

    private mutating func addScenarios(_ body: [UInt8]) -> Answer {
        do {
            let file = try ScenarioFile(json: body)
            for rule in file.rules { add(rule) }
            return .json(200, ["rules": rules.count])
        } catch {
            return .error(400, "bad_request", error.description)
        }
    }

    private func digest(_ query: [String: String]) -> Answer {
        guard let model = query["model"], let version = query["version"] else {
            return .error(400, "bad_request", "needs ?model=…&version=…")
        }
        var content = artifact(model: model, version: version)
        if let size = query["size"].flatMap({ ByteSize(text: $0) }) {
            content = ArtifactContent(model: model, version: version, size: size.bytes)
        }
        return Answer(status: 200, headers: [("Content-Type", "application/json")], body: .digest(content))
    }
}
