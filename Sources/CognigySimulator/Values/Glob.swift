// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A shell-like pattern over a whole string: `*` stands for any run of characters, `?` for exactly one.
package struct Glob: Sendable, Hashable {
    /// The pattern as written.
    package let pattern: String

    /// Wraps a pattern; every string is one.
    package init(_ pattern: String) {
        self.pattern = pattern
    }

    /// Whether the whole of `text` fits; takes time proportional to pattern times text at worst.
    package func matches(_ text: String) -> Bool {
        let pattern = Array(pattern.unicodeScalars)
        let text = Array(text.unicodeScalars)
        var inPattern = 0
        var inText = 0
        var lastStar: (pattern: Int, text: Int)?
        while inText < text.count {
            if inPattern < pattern.count, pattern[inPattern] == "*" {
                lastStar = (inPattern, inText)
                inPattern += 1
            } else if inPattern < pattern.count, pattern[inPattern] == "?" || pattern[inPattern] == text[inText] {
                inPattern += 1
                inText += 1
            } else if let star = lastStar {
                // Let the last star swallow one character more and try again from behind it.
                lastStar = (star.pattern, star.text + 1)
                inPattern = star.pattern + 1
                inText = star.text + 1
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == "*" }
    }
}

extension Glob: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(pattern)
    }
}

extension Glob: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) {
        self.init(value)
    }
}
