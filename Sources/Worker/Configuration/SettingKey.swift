// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One row of the catalogue of settings: all that reading, help, `config` and `config/worker.yaml` need to know.
package struct SettingDefinition: Sendable {
    /// The dotted name; a tenant's keys hold `SettingDefinition.tenantPlaceholder` where the tenant's name stands.
    package var name: String
    /// What a reader may write, as text: `50ms to 10m`, `true or false`.
    package var allowed: String
    /// The default as one would write it; nil where there is none.
    package var defaultText: String?
    /// What `config/worker.yaml` shows where there is no default.
    package var example: String?
    /// The key that this one is used instead of, or that it only makes sense with another value of.
    package var alternativeTo: String?
    package var isSecret = false
    package var isList = false
    /// Whether an empty text is a value (it switches the setting off) rather than a mistake.
    package var acceptsEmpty = false
    package var summary: String
    /// What may be shown of a given text.
    package var display: @Sendable (String) -> String = { $0 }

    package static let tenantPlaceholder = "<name>"

    /// The path of the key; a tenant's name is one component, whatever it holds.
    func components(tenant: String?) -> [String] {
        name.split(separator: ".").map {
            $0 == Self.tenantPlaceholder ? (tenant ?? Self.tenantPlaceholder) : String($0)
        }
    }

    /// This definition for one tenant.
    func named(_ tenant: String?) -> SettingDefinition {
        var copy = self
        copy.name = components(tenant: tenant).joined(separator: ".")
        return copy
    }

    /// Whether the key belongs to a tenant.
    package var isPerTenant: Bool { name.contains(".\(Self.tenantPlaceholder).") }
}

/// A key of the catalogue together with the type that it is read as.
struct SettingKey<Value: Sendable>: Sendable {
    var definition: SettingDefinition
    /// The value where nothing is given, and the stand-in where what is given is wrong.
    let fallback: Value
    let convert: @Sendable (RawSetting) throws(InvalidSetting) -> Value

    /// The same key, marked as the alternative of another (see `SettingDefinition.alternativeTo`).
    func instead(of other: String) -> SettingKey {
        var copy = self
        copy.definition.alternativeTo = other
        return copy
    }
}

/// A value as a provider gave it.
enum RawSetting: Sendable, Hashable {
    case text(String)
    case list([String])

    /// The value on one line, lists as they would be written in a variable.
    var joined: String {
        switch self {
        case .text(let text): text
        case .list(let items): items.joined(separator: ",")
        }
    }

    var isEmpty: Bool { joined.isEmpty }

    /// The elements, split at commas where a list was written as one text.
    var elements: [String] {
        switch self {
        case .list(let items): return items
        case .text(let text):
            guard !text.isEmpty else { return [] }
            return text.split(separator: ",", omittingEmptySubsequences: false).map {
                String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }
    }
}

/// Why a text is not a value of its setting, and what to write instead.
struct InvalidSetting: Error, Sendable, Hashable {
    let complaint: String
    let remedy: String

    init(_ complaint: String, _ remedy: String = "Write a value of the allowed range.") {
        self.complaint = complaint
        self.remedy = remedy
    }
}

/// Where an effective value came from.
package enum SettingOrigin: Sendable, Hashable, CustomStringConvertible {
    case byDefault
    /// The configuration file and the line in it, counted from 1; 0 where the line is not known.
    case file(path: String, line: Int)
    case environment(variable: String)
    case option(String)

    package var description: String {
        switch self {
        case .byDefault: "default"
        case .file(let path, let line): line > 0 ? "\(path):\(line)" : path
        case .environment(let variable): variable
        case .option(let name): name
        }
    }
}
