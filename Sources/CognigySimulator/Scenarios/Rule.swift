// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// A behaviour and the requests it is for.
package struct Rule: Sendable, Hashable, Codable {
    /// Which requests a rule is for: all patterns given must fit.
    package struct Match: Sendable, Hashable, Codable {
        /// Pattern for the model id. Requests for a token have no model: rules with this pattern do not fit them.
        package var model: Glob?
        /// Pattern for the version.
        package var version: Glob?
        /// Pattern for the id of the client whose token is used.
        package var client: Glob?

        /// Makes a match; without patterns it fits everything.
        package init(model: Glob? = nil, version: Glob? = nil, client: Glob? = nil) {
            self.model = model
            self.version = version
            self.client = client
        }

        func fits(_ subject: Subject) -> Bool {
            func fits(_ glob: Glob?, _ text: String?) -> Bool {
                guard let glob else { return true }
                return text.map(glob.matches) ?? false
            }
            return fits(model, subject.model) && fits(version, subject.version) && fits(client, subject.client)
        }
    }

    /// A name for people; no meaning otherwise.
    package var name: String?
    /// The requests this rule is for.
    package var match: Match
    /// What happens to them.
    package var behaviour: Behaviour

    /// Makes a rule.
    package init(name: String? = nil, match: Match = Match(), behaviour: Behaviour) {
        self.name = name
        self.match = match
        self.behaviour = behaviour
    }
}

/// What a request is about, as far as rules are concerned.
struct Subject: Sendable, Hashable {
    var model: String?
    var version: String?
    var client: String?
}

/// Why a scenario file was refused.
package struct ScenarioFileError: Error, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    package let description: String
}

/// A list of rules as files and the admin API carry it: `{"rules": [{"match": {…}, "behaviour": {…}}]}`.
package struct ScenarioFile: Sendable, Hashable, Codable {
    /// The rules; later ones take precedence.
    package var rules: [Rule]

    /// Wraps rules.
    package init(rules: [Rule]) {
        self.rules = rules
    }

    /// Reads a scenario file strictly: an unknown key is an error and names itself, since a misspelt fault would
    /// otherwise be a healthy tenant.
    package init(json: [UInt8]) throws(ScenarioFileError) {
        let data = Data(json)
        do {
            self = try JSONDecoder().decode(ScenarioFile.self, from: data)
            let given = try JSONDecoder().decode(JSONValue.self, from: data)
            let understood = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(self))
            if let path = Self.firstUnknownKey(in: given, understood: understood, at: "") {
                throw ScenarioFileError(description: "scenario file: unknown key \(path); check its spelling")
            }
            if let status = rules.lazy.flatMap(\.behaviour.statuses).first(where: { !(200..<600).contains($0) }) {
                throw ScenarioFileError(description: "scenario file: status \(status) is not within 200 to 599")
            }
        } catch let error as ScenarioFileError {
            throw error
        } catch {
            throw ScenarioFileError(description: "scenario file: \(error)")
        }
    }

    private static func firstUnknownKey(in given: JSONValue, understood: JSONValue, at path: String) -> String? {
        switch (given, understood) {
        case (.object(let members), .object(let known)):
            for (key, value) in members.sorted(by: { $0.key < $1.key }) where value != .null {
                guard let counterpart = known[key] else { return "\(path).\(key)" }
                if let unknown = firstUnknownKey(in: value, understood: counterpart, at: "\(path).\(key)") {
                    return unknown
                }
            }
            return nil
        case (.array(let values), .array(let known)):
            for (index, pair) in zip(values, known).enumerated() {
                if let unknown = firstUnknownKey(in: pair.0, understood: pair.1, at: "\(path)[\(index)]") {
                    return unknown
                }
            }
            return nil
        default:
            return nil
        }
    }
}
