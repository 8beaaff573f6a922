// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Looks for keys and variables that nobody reads: swift-configuration reads by name and cannot list what is there.
struct UnknownKeys {
    let layers: SettingLayers
    let tenants: [String]

    /// The tenants that a file has settings for, sorted.
    static func tenants(in file: ConfigurationFile?) -> [String] {
        let names = (file?.entries.values.map { $0 } ?? []).compactMap { entry -> String? in
            guard entry.path.starts(with: ["cognigy", "tenants"]), entry.path.count > 2 else { return nil }
            let isKey = entry.path.count > 3
            return isKey ? entry.path[2..<(entry.path.count - 1)].joined(separator: ".") : entry.path[2]
        }
        return Set(names).sorted()
    }

    /// A problem for every key of the file that is not in the catalogue.
    func problems() -> [ConfigurationProblem] {
        guard let file = layers.file else { return [] }
        let known = Self.names(tenants: Self.tenants(in: file) + tenants)
        return file.entries.values.sorted { $0.line < $1.line }.compactMap { entry in
            guard !known.contains(entry.name), !(entry.isNull && isSection(entry.path, known)) else { return nil }
            return ConfigurationProblem(
                key: entry.name, origin: .file(path: file.path, line: entry.line), complaint: complaint(entry, known),
                remedy: remedy(entry, known))
        }
    }

    /// A warning for every variable with the worker's prefix that is read by no key: others may have set it.
    func warnings() -> [String] {
        let known = variables().map(\.variable)
        let strange = layers.variables.keys.filter {
            $0.hasPrefix(SettingLayers.variablePrefix) && !known.contains($0)
        }
        let unread = Set(Self.tenants(in: layers.file)).subtracting(tenants).sorted()
        return strange.sorted().map { name in
            let near = Suggestion.nearest(to: name, among: known).map { " Did you mean \($0)?" } ?? ""
            return
                "the variable \(LogText.clean(name, limit: 200)) belongs to no setting and is ignored.\(near)"
        }
            + unread.map {
                "cognigy.tenants.\($0) has settings but is not in cognigy.tenantNames: the tenant is not served."
            }
    }

    /// What is wrong with tenants whose names become one and the same variable.
    func collisions() -> [InvalidSetting] {
        var owners: [String: String] = [:]
        var found: [InvalidSetting] = []
        var blamed: Set<String> = []
        for (variable, tenant) in variables() {
            guard let tenant else { continue }
            if let other = owners[variable], other != tenant, blamed.insert(tenant).inserted {
                found.append(
                    InvalidSetting(
                        "holds \(other) and \(tenant), which one environment variable (\(variable)) would stand for",
                        "Rename one of the two tenants."))
            }
            owners[variable] = tenant
        }
        return found
    }

    private func variables() -> [(variable: String, tenant: String?)] {
        Catalogue.definitions.flatMap { definition in
            (definition.isPerTenant ? tenants.map(Optional.some) : [nil]).map { tenant in
                (layers.variable(of: definition, tenant: tenant), tenant)
            }
        }
    }

    private static func names(tenants: [String]) -> [String] {
        Catalogue.definitions.flatMap { definition in
            definition.isPerTenant ? tenants.map { definition.named($0).name } : [definition.name]
        }
    }

    /// Whether a path leads to keys: an empty section is no mistake.
    private func isSection(_ path: [String], _ known: [String]) -> Bool {
        let prefix = path.joined(separator: ".") + "."
        return known.contains { $0.hasPrefix(prefix) }
            || (path.starts(with: ["cognigy", "tenants"]) && path.count <= 3)
    }

    private func complaint(_ entry: ConfigurationFile.Entry, _ known: [String]) -> String {
        if isSection(entry.path, known) { return "is a section and takes keys, not a value" }
        if let key = known.first(where: { entry.name.hasPrefix($0 + ".") }) {
            return "lies below \(key), which is a value"
        }
        return "is no setting"
    }

    private func remedy(_ entry: ConfigurationFile.Entry, _ known: [String]) -> String {
        if let near = Suggestion.nearest(to: entry.name, among: known) { return "Did you mean \(near)?" }
        return "Remove it; `nlu-export-worker config --help` lists the settings."
    }
}
