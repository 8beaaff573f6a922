// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Configuration

/// A value given by an option of the command line.
package struct SettingOverride: Sendable, Hashable {
    package let key: String
    package let value: String
    /// The option as it is typed: `--log-level`.
    package let option: String

    package init(key: String, value: String, option: String) {
        self.key = key
        self.value = value
        self.option = option
    }
}

/// The providers of values in their order: options, environment, file.
///
/// They are asked one after another, as a `ConfigReader` would, because a reader does not tell which of them answered.
/// Every read goes through the providers' throwing `value(forKey:type:)`; values are read as text and converted here,
/// so that a text of the wrong form is an error and never silently the default.
struct SettingLayers {
    let overrides: [SettingOverride]
    let environment: any ConfigSnapshot
    let variables: [String: String]
    let file: ConfigurationFile?

    /// What the names of the worker's environment variables begin with.
    static let variablePrefix = "NLU_EXPORT_"

    init(overrides: [SettingOverride], variables: [String: String], file: ConfigurationFile?) {
        self.overrides = overrides
        self.variables = variables
        self.file = file
        environment = EnvironmentVariablesProvider(environmentVariables: variables)
            .prefixKeys(with: ConfigKey(["nlu", "export"])).snapshot()
    }

    /// The value given for a key and where it was given; nil where the default holds.
    func value(of definition: SettingDefinition, tenant: String?) throws -> (RawSetting, SettingOrigin)? {
        let name = definition.named(tenant).name
        if let override = overrides.last(where: { $0.key == name }) {
            return (.text(override.value), .option(override.option))
        }
        let key = AbsoluteConfigKey(definition.components(tenant: tenant))
        let lookup = try environment.value(forKey: key, type: .string)
        // `${NAME:-}` in a compose file sets an empty variable: nothing is given, unless empty means something.
        if case .string(let text) = lookup.value?.content, definition.acceptsEmpty || !text.isEmpty {
            return (.text(text), .environment(variable: lookup.encodedKey))
        }
        guard let file, let snapshot = file.snapshot, let entry = file.entries[name], !entry.isNull else { return nil }
        return (try Self.read(snapshot, key), .file(path: file.path, line: entry.line))
    }

    /// The name of a key's variable, as the environment's provider makes it.
    func variable(of definition: SettingDefinition, tenant: String?) -> String {
        let key = AbsoluteConfigKey(definition.components(tenant: tenant))
        return (try? environment.value(forKey: key, type: .string).encodedKey) ?? ""
    }

    private static func read(_ snapshot: YAMLSnapshot, _ key: AbsoluteConfigKey) throws -> RawSetting {
        // A snapshot throws where the type does not fit; what is no text is a list, whose elements are texts.
        if let value = try? snapshot.value(forKey: key, type: .string).value, case .string(let text) = value.content {
            return .text(text)
        }
        if case .stringArray(let items) = try snapshot.value(forKey: key, type: .stringArray).value?.content {
            return .list(items)
        }
        return .text("")
    }
}
