// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Sections of `key = value` lines, as AWS's shared files have them.
///
/// Source: AWS SDKs reference, "Shared config and credentials files". Lines that are neither section nor setting are
/// skipped, indented ones (nested settings) too; names are read without regard to case.
struct INIFile: Sendable, Hashable {
    private var sections: [String: [String: String]] = [:]

    init(_ text: String) {
        var section: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let trimmed = Self.trimmed(line)
            if trimmed.isEmpty || trimmed.hasPrefix("#") || trimmed.hasPrefix(";") { continue }
            if trimmed.hasPrefix("[") {
                section = trimmed.firstIndex(of: "]").map { Self.sectionName(trimmed[..<$0].dropFirst()) }
                if let section, sections[section] == nil { sections[section] = [:] }
            } else if let section, line.first?.isWhitespace == false, let equals = trimmed.firstIndex(of: "=") {
                let name = Self.trimmed(trimmed[..<equals]).lowercased()
                sections[section]?[name] = Self.value(trimmed[trimmed.index(after: equals)...])
            }
        }
    }

    /// The settings of a section; nil where the file has no such section.
    subscript(section: String) -> [String: String]? { sections[section] }

    /// Blanks inside a name count as one: `[profile  a]` is `[profile a]`.
    private static func sectionName(_ text: Substring) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// A comment may follow a value after a blank.
    private static func value(_ text: Substring) -> String {
        var end = text.endIndex
        for marker in [" #", " ;", "\t#", "\t;"] {
            if let range = text.firstRange(of: marker), range.lowerBound < end { end = range.lowerBound }
        }
        return trimmed(text[..<end])
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
