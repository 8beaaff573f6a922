// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The grammar of `s3.keyTemplate`: literal text and placeholders in braces.
enum KeyTemplateRule {
    /// The placeholders there are.
    static let placeholders = ["tenant", "modelId", "version", "exportId", "format", "extension"]

    static let rule = TextRule(
        allowed: "a key with {exportId}, and optionally \(others), that does not begin with /"
    ) { text in complaint(about: text) }

    /// The placeholders that a template names, in order; nil where braces do not match.
    static func names(in text: String) -> [String]? {
        var names: [String] = []
        var rest = Substring(text)
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[brace] == "{", let end = rest[brace...].firstIndex(of: "}") else { return nil }
            names.append(String(rest[rest.index(after: brace)..<end]))
            rest = rest[rest.index(after: end)...]
        }
        return names
    }

    /// The text ahead of the first placeholder.
    static func literalPrefix(of text: String) -> Substring { text.prefix { $0 != "{" } }

    private static let others = placeholders.filter { $0 != "exportId" }.map { "{\($0)}" }.joined(separator: " ")

    private static func complaint(about text: String) -> String? {
        guard let names = names(in: text) else { return "has braces that do not match" }
        if let unknown = names.first(where: { !placeholders.contains($0) }) {
            let near = Suggestion.nearest(to: unknown, among: placeholders).map { "; did you mean {\($0)}?" }
            return "names {\(unknown)}, which is no placeholder\(near ?? "")"
        }
        if !names.contains("exportId") { return "lacks {exportId}, which tells one export from the next" }
        if text.hasPrefix("/") || text.contains("//") { return "holds an empty part" }
        if text.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) { return "holds . or .. as a part" }
        return text.utf8.count > 512 ? "is longer than 512 bytes" : nil
    }
}

extension SettingKey where Value == Settings.Audit.Retention? {
    static func retention(_ name: String, example: String, _ summary: String) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: "governance:<days>d or compliance:<days>d, 1d to 36500d", example: example,
            acceptsEmpty: true, summary: summary)
        return SettingKey(definition: definition, fallback: nil) { (raw) throws(InvalidSetting) in
            if raw.isEmpty { return nil }
            let parts = try raw.single(name).split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let mode = Settings.Audit.Retention.Mode(rawValue: String(parts[0])),
                parts[1].last == "d", let days = Int(parts[1].dropLast()), (1...36_500).contains(days)
            else { throw InvalidSetting("is no retention", "Write the mode, a colon and days: governance:30d.") }
            return Settings.Audit.Retention(mode: mode, days: days)
        }
    }
}
