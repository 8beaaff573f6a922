// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A rule for texts: what is allowed, in words, and what is wrong with a text that is not.
struct TextRule: Sendable {
    let allowed: String
    /// Nil when the text is fine.
    let complaint: @Sendable (String) -> String?
}

extension RawSetting {
    func single(_ name: String) throws(InvalidSetting) -> String {
        guard case .text(let text) = self else {
            throw InvalidSetting("is a list", "Write one value without dash or brackets.")
        }
        return text
    }
}

extension SettingKey where Value == Duration {
    static func duration(
        _ name: String, _ standard: Duration, _ range: ClosedRange<Duration>, orZero: Bool = false, _ summary: String
    ) -> Self {
        let words = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        let definition = SettingDefinition(
            name: name, allowed: orZero ? "0s, or \(words)" : words, defaultText: DurationText.format(standard),
            summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            guard let value = DurationText.parse(try raw.single(name)) else {
                throw InvalidSetting("is no duration", "Write a number with a unit: 500ms, 30s, 5m, 2h or 1d.")
            }
            guard range.contains(value) || (orZero && value == .zero) else { throw InvalidSetting("is out of range") }
            return value
        }
    }
}

extension SettingKey where Value == Int {
    static func size(_ name: String, _ standard: Int, _ range: ClosedRange<Int>, _ summary: String) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: "\(SizeText.format(range.lowerBound)) to \(SizeText.format(range.upperBound))",
            defaultText: SizeText.format(standard), summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            guard let value = SizeText.parse(try raw.single(name)) else {
                throw InvalidSetting("is no size", "Write bytes, or a number with KiB, MiB, GiB or TiB: 16MiB.")
            }
            guard range.contains(value) else { throw InvalidSetting("is out of range") }
            return value
        }
    }

    static func integer(_ name: String, _ standard: Int, _ range: ClosedRange<Int>, _ summary: String) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: IntegerText.words(range), defaultText: String(standard), summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            try IntegerText.parse(raw.single(name), range)
        }
    }
}

extension SettingKey where Value == Int? {
    static func optionalInteger(
        _ name: String, _ range: ClosedRange<Int>, example: Int, _ summary: String
    ) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: IntegerText.words(range), example: String(example), acceptsEmpty: true,
            summary: summary)
        return SettingKey(definition: definition, fallback: nil) { (raw) throws(InvalidSetting) in
            raw.isEmpty ? nil : try IntegerText.parse(raw.single(name), range)
        }
    }
}

extension SettingKey where Value == Bool {
    static func boolean(_ name: String, _ standard: Bool, _ summary: String) -> Self {
        let definition = SettingDefinition(
            name: name, allowed: "true or false", defaultText: standard ? "true" : "false", summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            switch try raw.single(name).lowercased() {
            case "true", "yes", "on", "1": return true
            case "false", "no", "off", "0": return false
            default: throw InvalidSetting("is neither true nor false", "Write true or false.")
            }
        }
    }
}

extension SettingKey where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static func choice(_ name: String, _ standard: Value, _ summary: String) -> Self {
        let words = Value.allCases.map(\.rawValue)
        let definition = SettingDefinition(
            name: name, allowed: words.joined(separator: ", "), defaultText: standard.rawValue, summary: summary)
        return SettingKey(definition: definition, fallback: standard) { (raw) throws(InvalidSetting) in
            let text = try raw.single(name)
            if let value = Value(rawValue: text) { return value }
            let near = Suggestion.nearest(to: text, among: words).map { "Did you mean \($0)?" }
            throw InvalidSetting("is no such choice", near ?? "Write one of the allowed words.")
        }
    }
}

/// Whole numbers in decimal digits.
private enum IntegerText {
    static func words(_ range: ClosedRange<Int>) -> String { "\(range.lowerBound) to \(range.upperBound)" }

    static func parse(_ text: String, _ range: ClosedRange<Int>) throws(InvalidSetting) -> Int {
        guard let value = Int(text) else { throw InvalidSetting("is no whole number", "Write decimal digits only.") }
        guard range.contains(value) else { throw InvalidSetting("is out of range") }
        return value
    }
}
