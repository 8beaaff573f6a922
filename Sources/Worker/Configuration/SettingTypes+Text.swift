// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TextRule {
    /// The text itself, or what is wrong with it.
    func checked(_ text: String) throws(InvalidSetting) -> String {
        guard !text.isEmpty else { throw InvalidSetting("is empty") }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            throw InvalidSetting("holds control characters")
        }
        if let complaint = complaint(text) { throw InvalidSetting(complaint) }
        return text
    }
}

extension SettingKey where Value == String {
    static func text(_ name: String, _ standard: String, _ rule: TextRule, _ summary: String) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: rule.allowed, defaultText: standard, summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            try rule.checked(raw.single(name))
        }
    }
}

extension SettingKey where Value == String? {
    /// A text that may be left out, or switched off by an empty text where it has a default.
    static func optionalText(
        _ name: String, default standard: String? = nil, _ rule: TextRule, example: String? = nil, _ summary: String
    ) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: rule.allowed, defaultText: standard, example: example, acceptsEmpty: true,
            summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            raw.isEmpty ? nil : try rule.checked(raw.single(name))
        }
    }
}

extension SettingKey where Value == Secret? {
    /// A secret that may be left out. `display` says what of it may be shown; by default nothing.
    static func secret(
        _ name: String, _ rule: TextRule, example: String,
        display: @escaping @Sendable (String) -> String = { _ in Secret.redacted }, _ summary: String
    ) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: rule.allowed, example: example, isSecret: true, acceptsEmpty: true, summary: summary,
            display: display)
        return SettingKey(definition: definition, fallback: nil) { (raw) throws(InvalidSetting) in
            raw.isEmpty ? nil : Secret(try rule.checked(raw.single(name)))
        }
    }
}

extension SettingKey where Value == [String] {
    static func list(
        _ name: String, _ standard: [String], _ rule: TextRule, atLeastOne: Bool = true, example: String? = nil,
        _ summary: String
    ) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: "list of: \(rule.allowed)",
            defaultText: standard.isEmpty ? nil : standard.joined(separator: ","), example: example, isList: true,
            acceptsEmpty: !atLeastOne, summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            let items = raw.elements
            if atLeastOne && items.isEmpty { throw InvalidSetting("is empty", "Name at least one.") }
            for item in items { _ = try rule.checked(item) }
            if let twice = items.firstDuplicate { throw InvalidSetting("holds \(twice) twice", "Name each once.") }
            return items
        }
    }
}

extension SettingKey where Value == [Secret] {
    /// A list of texts that hold passwords.
    static func secretList(
        _ name: String, _ standard: String, _ rule: TextRule, display: @escaping @Sendable (String) -> String,
        _ summary: String
    ) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: "list of: \(rule.allowed)", defaultText: standard, isSecret: true, isList: true,
            summary: summary, display: display)
        return SettingKey(definition: definition, fallback: [Secret(standard)]) { (raw) throws(InvalidSetting) in
            let items = raw.elements
            if items.isEmpty { throw InvalidSetting("is empty", "Name at least one.") }
            for item in items { _ = try rule.checked(item) }
            return items.map(Secret.init)
        }
    }
}

extension Array where Element: Hashable {
    /// The first element that stands in the array a second time.
    var firstDuplicate: Element? {
        var seen: Set<Element> = []
        return first { !seen.insert($0).inserted }
    }
}
