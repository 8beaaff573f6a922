// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The parts of the configuration that a command cannot do without.
package struct SettingsNeeds: OptionSet, Sendable, Hashable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let broker = SettingsNeeds(rawValue: 1)
    package static let tenants = SettingsNeeds(rawValue: 2)
    /// Bucket, audit sinks, transfer.
    package static let store = SettingsNeeds(rawValue: 4)
    package static let everything: SettingsNeeds = [.broker, .tenants, .store]
}

/// Where to read the configuration from.
package struct SettingsRequest: Sendable {
    /// The path of a YAML file; nil: environment and defaults only.
    package var file: String?
    package var environment: [String: String]
    package var overrides: [SettingOverride]
    package var needs: SettingsNeeds

    package init(
        file: String?, environment: [String: String], overrides: [SettingOverride] = [],
        needs: SettingsNeeds = .everything
    ) {
        self.file = file
        self.environment = environment
        self.overrides = overrides
        self.needs = needs
    }
}

/// What was read: the settings, where each came from, and what is wrong.
package struct SettingsReport: Sendable {
    /// Usable only where there are no problems: a setting with a problem has its default here.
    package let settings: Settings
    package let entries: [EffectiveSetting]
    package let warnings: [String]
    package let problems: [ConfigurationProblem]

    /// The settings, if nothing is wrong with them.
    package func validated() throws(ConfigurationError) -> Settings {
        guard problems.isEmpty else { throw ConfigurationError(code: .settings, problems: problems) }
        return settings
    }
}

extension Settings {
    /// Reads the configuration and finds all that is wrong with it. Reads small files: blocking. Throws only where
    /// the file as a whole cannot be used.
    package static func inspect(_ request: SettingsRequest) throws(ConfigurationError) -> SettingsReport {
        var file: ConfigurationFile?
        if let path = request.file { file = try ConfigurationFile.read(path) }
        return inspect(request, file: file)
    }

    /// The settings, or everything that is wrong with them. Reads small files: blocking.
    package static func load(_ request: SettingsRequest) throws(ConfigurationError) -> Settings {
        try inspect(request).validated()
    }

    static func inspect(_ request: SettingsRequest, file: ConfigurationFile?) -> SettingsReport {
        let layers = SettingLayers(overrides: request.overrides, variables: request.environment, file: file)
        var reader = SettingsReader(layers: layers)
        let settings = Settings(&reader, namedInFile: UnknownKeys.tenants(in: file))
        let unknown = UnknownKeys(layers: layers, tenants: settings.tenants.map(\.name))
        unknown.problems().forEach { reader.add($0) }
        unknown.collisions().forEach { reader.add("cognigy.tenantNames", $0) }
        CrossChecks.run(on: settings, needs: request.needs, reader: &reader)
        return SettingsReport(
            settings: settings, entries: reader.entries,
            warnings: unknown.warnings() + CrossChecks.warnings(about: settings, needs: request.needs),
            problems: reader.problems)
    }
}
