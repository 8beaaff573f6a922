// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An effective value as `config` shows it.
package struct EffectiveSetting: Sendable, Hashable {
    package let key: String
    /// Secrets redacted; nil where nothing is given and there is no default.
    package let value: String?
    package let origin: SettingOrigin
    package let isSecret: Bool
    package let allowed: String
    /// The environment variable that gives the value.
    package let variable: String
}

/// Reads keys one by one, remembers every value with its origin, and collects what is wrong instead of stopping.
struct SettingsReader {
    let layers: SettingLayers
    private(set) var entries: [EffectiveSetting] = []
    private(set) var problems: [ConfigurationProblem] = []

    init(layers: SettingLayers) { self.layers = layers }

    /// The value of a key; its default, with a problem noted, where what is given is wrong.
    mutating func read<Value>(_ key: SettingKey<Value>, tenant: String? = nil) -> Value {
        let definition = key.definition.named(tenant)
        let variable = layers.variable(of: key.definition, tenant: tenant)
        let given: (raw: RawSetting, origin: SettingOrigin)?
        do { given = try layers.value(of: key.definition, tenant: tenant) } catch {
            // No text of the error: it may quote the value.
            note(definition, nil, .byDefault, InvalidSetting("cannot be read", "Write it as in config/worker.yaml."))
            return key.fallback
        }
        guard let given else {
            remember(definition, definition.defaultText, .byDefault, variable)
            return key.fallback
        }
        remember(definition, given.raw.isEmpty ? nil : given.raw.joined, given.origin, variable)
        do throws(InvalidSetting) { return try key.convert(given.raw) } catch {
            note(definition, given.raw.joined, given.origin, error)
            return key.fallback
        }
    }

    /// A secret given in place or by a file; both is a problem.
    mutating func read(
        _ inline: SettingKey<Secret?>, file: SettingKey<String?>, tenant: String? = nil
    ) -> SecretSource? {
        let secret = read(inline, tenant: tenant)
        let path = read(file, tenant: tenant)
        guard let path else { return secret.map(SecretSource.inline) }
        if secret != nil {
            let other = inline.definition.named(tenant).name
            add(
                file.definition.named(tenant).name,
                InvalidSetting("is given together with \(other)", "Keep one of the two."))
        }
        return .file(path: path)
    }

    /// Notes a problem of a key that was read before, with its value and origin.
    mutating func add(_ key: String, _ invalid: InvalidSetting) {
        let entry = entries.last { $0.key == key }
        // What is not there has no place to point to: name the variable, which works without a file.
        let isMissing = entry.map { $0.value == nil } ?? true
        let variable = isMissing ? entry.map { " Its variable is \($0.variable)." } : nil
        problems.append(
            ConfigurationProblem(
                key: key, value: entry?.value, origin: entry?.origin ?? .byDefault, complaint: invalid.complaint,
                allowed: entry?.allowed, remedy: invalid.remedy + (variable ?? "")))
    }

    /// Puts what was concluded in place of the default that was read last.
    mutating func conclude(_ value: String, from origin: SettingOrigin) {
        guard let last = entries.popLast() else { return }
        entries.append(
            EffectiveSetting(
                key: last.key, value: value, origin: origin, isSecret: last.isSecret, allowed: last.allowed,
                variable: last.variable))
    }

    mutating func add(_ problem: ConfigurationProblem) { problems.append(problem) }

    /// Whether any of the keys has a problem already, so that what follows from it need not be told.
    func hasProblem(with keys: [String]) -> Bool { problems.contains { keys.contains($0.key) } }

    private mutating func remember(
        _ definition: SettingDefinition, _ text: String?, _ origin: SettingOrigin, _ variable: String
    ) {
        entries.append(
            EffectiveSetting(
                key: definition.name, value: text.map(definition.display), origin: origin,
                isSecret: definition.isSecret, allowed: definition.allowed, variable: variable))
    }

    private mutating func note(
        _ definition: SettingDefinition, _ text: String?, _ origin: SettingOrigin, _ invalid: InvalidSetting
    ) {
        problems.append(
            ConfigurationProblem(
                key: definition.name, value: text.map(definition.display), origin: origin,
                complaint: invalid.complaint, allowed: definition.allowed, remedy: invalid.remedy))
    }
}
