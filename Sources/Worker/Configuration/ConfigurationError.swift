// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with the configuration.
package struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// The dotted key, or the path of the file for a fault of the file as a whole.
    package var key: String
    /// What was given, as far as it may be shown; nil where nothing was given.
    package var value: String?
    package var origin: SettingOrigin
    /// Completes a sentence whose subject is the key or its value: `is out of range`.
    package var complaint: String
    package var allowed: String?
    package var remedy: String

    /// One line: key, value, what is wrong, where, what is allowed, what to do.
    package var description: String {
        let shown = value.map { " \"\(LogText.clean($0, limit: 200))\"" } ?? ""
        let place = origin == .byDefault && value == nil ? "" : " (\(origin))"
        let range = allowed.map { " Allowed: \($0)." } ?? ""
        return "\(LogText.clean(key))\(shown) \(LogText.clean(complaint))\(place).\(range) \(remedy)"
    }
}

/// A configuration that cannot be used, with everything that is wrong with it.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case file, settings }

    package let code: Code
    package let problems: [ConfigurationProblem]
    /// The same configuration stays wrong.
    package var isRetriable: Bool { false }

    package var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["the configuration has \(count):"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}
