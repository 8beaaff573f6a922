// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Logging

/// One log entry, ready to be written in either form.
struct LogLine {
    var timestamp: String
    var level: Logger.Level
    var label: String
    var source: String
    var message: String
    var fields: LogFields

    /// One JSON object: the fixed keys first, then the metadata in order of keys. Metadata that bears a fixed key's
    /// name gets `metadata.` in front.
    var json: String {
        var text = "{\"timestamp\":\"\(timestamp)\",\"level\":\"\(level.rawValue)\",\"logger\":"
        JSONText.append(label, to: &text)
        text += ",\"message\":"
        JSONText.append(LogText.cut(message, LogText.maximumBytes), to: &text)
        text += ",\"source\":"
        JSONText.append(source, to: &text)
        for (key, value) in fields.pairs {
            text += ","
            JSONText.append(Self.fixedKeys.contains(key) ? "metadata.\(key)" : key, to: &text)
            text += ":"
            Self.append(value, to: &text)
        }
        return text + "}\n"
    }

    /// Time, level, logger and message, then the metadata as `key=value`, quoted where it holds blanks.
    var text: String {
        let name = level.rawValue.uppercased()
        let pad = String(repeating: " ", count: max(0, 8 - name.count))
        var text = "\(timestamp) \(name)\(pad) \(LogText.clean(label)): \(LogText.clean(message))"
        for (key, value) in fields.pairs { text += " \(key)=\(Self.plain(value))" }
        return text + "\n"
    }

    private static let fixedKeys: Set<String> = ["timestamp", "level", "logger", "message", "source"]

    private static func append(_ value: LogFields.Value, to text: inout String) {
        switch value {
        case .text(let string): JSONText.append(string, to: &text)
        case .literal(let literal): text += literal
        case .list(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                append(item, to: &text)
            }
            text += "]"
        }
    }

    private static func plain(_ value: LogFields.Value) -> String {
        switch value {
        case .text(let string):
            let clean = LogText.clean(string)
            let needsQuotes = clean.isEmpty || clean.contains { " =\"[],".contains($0) }
            return needsQuotes
                ? "\"\(clean.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
                : clean
        case .literal(let literal): return literal
        case .list(let items): return "[\(items.map(plain).joined(separator: ","))]"
        }
    }
}

/// JSON strings, escaped strictly: nothing in them can end the line, move a cursor or hide.
package enum JSONText {
    /// Appends the text in quotes.
    package static func append(_ string: String, to text: inout String) {
        text += "\""
        // Nearly every text is plain; nine of ten of a log's bytes are copied here.
        if string.utf8.allSatisfy(isPlain) { text += string } else { appendEscaped(string, to: &text) }
        text += "\""
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func appendEscaped(_ string: String, to text: inout String) {
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where LogText.isHidden(scalar):
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    /// The text in quotes.
    package static func quoted(_ string: String) -> String {
        var text = ""
        append(string, to: &text)
        return text
    }
}
