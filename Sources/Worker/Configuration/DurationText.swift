// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Durations as people write them: `500ms`, `30s`, `5m`, `2h`, `1d`, and these one after another (`2m05s`).
package enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Reads a duration in whole milliseconds; nil for anything else, for units out of order and for over 10,000 days.
    package static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = Substring(text)
        var total: Int64 = 0
        var nextUnit = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard (1...12).contains(digits.count), let number = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(letters.count)
            guard let index = units.firstIndex(where: { $0.name == letters }), index >= nextUnit else { return nil }
            nextUnit = index + 1
            let (product, overflow) = number.multipliedReportingOverflow(by: units[index].milliseconds)
            // 10,000 days: no setting needs more, and sums stay far from overflow.
            guard !overflow, product <= 864_000_000_000, total + product <= 864_000_000_000 else { return nil }
            total += product
        }
        return text.isEmpty ? nil : .milliseconds(total)
    }

    /// The shortest text that `parse` reads as this duration; what is finer than a millisecond is cut off.
    package static func format(_ duration: Duration) -> String {
        let parts = duration.components
        var rest = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
        guard rest > 0 else { return "0s" }
        var text = ""
        for unit in units where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text
    }
}

/// Sizes as people write them: plain bytes, or a number with `B`, `KiB`, `MiB`, `GiB` or `TiB`.
package enum SizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1),
    ]

    /// Reads a size in bytes; nil for anything else (`KB` too, which means two different sizes).
    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard (1...18).contains(digits.count), let number = Int(digits) else { return nil }
        let name = text.dropFirst(digits.count)
        guard let unit = units.first(where: { $0.name == name }) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// The shortest exact text of a size in bytes.
    package static func format(_ bytes: Int) -> String {
        guard bytes > 0 else { return String(bytes) }
        for unit in units.prefix(4) where bytes % unit.bytes == 0 { return "\(bytes / unit.bytes)\(unit.name)" }
        return String(bytes)
    }
}
