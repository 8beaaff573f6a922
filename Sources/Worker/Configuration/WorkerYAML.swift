// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Renders `config/worker.yaml` and the list of settings in the help from the catalogue.
package enum WorkerYAML {
    /// The commented configuration file. A line `#key: value` is a setting with its default or an example; a line
    /// `##key: value` takes the place of another one. Everything else that begins with `# ` is prose.
    package static func render() -> String {
        var text = header
        for (section, summary) in Catalogue.sections {
            text += "\n" + comment(summary, indent: 0) + "\(section):"
            var open = [section]
            text += "\n"
            for definition in Catalogue.definitions where definition.components(tenant: tenant).first == section {
                text += setting(definition, &open)
            }
        }
        return text
    }

    /// Name, allowed values, default and meaning of every setting, for the help.
    package static func help() -> String {
        Catalogue.definitions.map { definition in
            let standard = definition.defaultText.map { " [\($0)]" } ?? ""
            let lines = wrap("\(definition.allowed). \(definition.summary)", width: 72).map { "      \($0)" }
            return (["  \(definition.name)\(standard)"] + lines).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    /// The tenant that the file shows settings for.
    private static let tenant = "default"

    private static let header = """
        # Configuration of nlu-export-worker.
        #
        # Lines that begin with "#" and a name are settings with their default, or with an example where there is none:
        # remove the "#" to set them. A line that begins with "##" is used instead of another one, never with it. Each
        # setting can also be given by an environment variable, which wins over this file: NLU_EXPORT_ and the name,
        # dots and capitals turned into underscores (s3.keyTemplate is NLU_EXPORT_S3_KEY_TEMPLATE).
        #
        # Durations: 500ms, 30s, 5m, 2h, 1d. Sizes: bytes, or 64KiB, 16MiB, 1GiB.
        # `nlu-export-worker config` shows what is in effect, and what is wrong.

        """

    /// One setting with its comment, and the sections that lead to it where they are not open yet.
    private static func setting(_ definition: SettingDefinition, _ open: inout [String]) -> String {
        let path = definition.components(tenant: tenant)
        var text = ""
        for depth in 1..<(path.count - 1) where open.count <= depth || open[depth] != path[depth] {
            open = Array(path[...depth])
            text += "\n\(blanks(depth))\(path[depth]):\n"
        }
        open = Array(path.dropLast())
        let indent = path.count - 1
        let mark = definition.alternativeTo == nil ? "#" : "##"
        return text + "\n" + comment(definition.summary, indent: indent) + comment(facts(definition), indent: indent)
            + "\(blanks(indent))\(mark)\(path[indent]): \(value(definition))\n"
    }

    private static func facts(_ definition: SettingDefinition) -> String {
        let standard = definition.defaultText.map { "Default: \($0)." } ?? "No default."
        return "Allowed: \(definition.allowed). \(standard)"
    }

    private static func value(_ definition: SettingDefinition) -> String {
        let text = definition.defaultText ?? definition.example ?? ""
        let items = definition.isList ? RawSetting.text(text).elements : [text]
        let quoted = items.map(scalar)
        return definition.isList ? "[\(quoted.joined(separator: ", "))]" : quoted[0]
    }

    /// A scalar, in quotes where YAML would take it for something else.
    private static func scalar(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        return isPlain && !text.isEmpty ? text : JSONText.quoted(text)
    }

    private static func blanks(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    /// A comment, wrapped at 100 columns.
    private static func comment(_ text: String, indent: Int) -> String {
        wrap(text, width: 96 - 2 * indent).map { "\(blanks(indent))# \($0)\n" }.joined()
    }

    private static func wrap(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty && line.count + word.count + 1 > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [line]
    }
}
