// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// JSON for people: one member a line, and nothing in it that could move a cursor.
enum ReadableJSON {
    static func lines(_ value: JSONValue) -> [String] {
        var lines = [""]
        append(value, indent: 0, to: &lines)
        return lines
    }

    private static func append(_ value: JSONValue, indent: Int, to lines: inout [String]) {
        switch value {
        case .array(let elements) where !elements.isEmpty:
            append(elements.map { (nil, $0) }, between: "[", "]", indent: indent, to: &lines)
        case .object(let object) where !object.isEmpty:
            append(object.members.map { ($0.name, $0.value) }, between: "{", "}", indent: indent, to: &lines)
        default: lines[lines.count - 1] += JSONText.safe(value)
        }
    }

    private static func append(
        _ members: [(name: String?, value: JSONValue)], between open: String, _ close: String, indent: Int,
        to lines: inout [String]
    ) {
        lines[lines.count - 1] += open
        for (index, member) in members.enumerated() {
            let name = member.name.map { JSONText.quoted($0) + ": " } ?? ""
            lines.append(String(repeating: " ", count: indent + 2) + name)
            append(member.value, indent: indent + 2, to: &lines)
            if index < members.count - 1 { lines[lines.count - 1] += "," }
        }
        lines.append(String(repeating: " ", count: indent) + close)
    }
}

extension JSONText {
    /// The document on one line, with every control, bidi and zero-width character escaped.
    static func safe(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let number): number.literal
        case .string(let text): quoted(text)
        case .array(let elements): "[" + elements.map(safe).joined(separator: ",") + "]"
        case .object(let object):
            "{" + object.members.map { quoted($0.name) + ":" + safe($0.value) }.joined(separator: ",") + "}"
        }
    }
}
