// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A duration as people write it in scenario files: `"500ms"`, `"2s"`, `"1m30s"`, `"2h"`, or a number of seconds.
package struct HumanDuration: Sendable, Hashable {
    /// The duration meant.
    package var duration: Duration

    /// Wraps a duration.
    package init(_ duration: Duration) {
        self.duration = duration
    }

    /// Reads `500ms`, `2s`, `1m30s`, `2h` or a bare number of seconds; nil for anything else and beyond a century.
    package init?(text: some StringProtocol) {
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        var total = Duration.zero
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let amount = Double(digits), amount <= Self.largestSeconds * 1000 else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            guard let scale = Self.seconds(perUnit: unit), amount * scale <= Self.largestSeconds else { return nil }
            rest = rest.dropFirst(unit.count)
            total += .seconds(amount * scale)
        }
        duration = total
    }

    private static let largestSeconds = 3_155_760_000.0

    private static func seconds(perUnit unit: Substring) -> Double? {
        switch unit {
        case "ms": 0.001
        case "s", "": 1
        case "m": 60
        case "h": 3600
        case "d": 86400
        default: nil
        }
    }
}

extension HumanDuration: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let seconds = try? container.decode(Double.self), seconds >= 0, seconds <= Self.largestSeconds {
            self.init(.seconds(seconds))
        } else if let text = try? container.decode(String.self), let value = Self(text: text) {
            self = value
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a duration: write \"500ms\", \"2s\", \"1m30s\" or seconds")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(duration.inSeconds)
    }
}

extension Duration {
    /// The duration as seconds with a fraction.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
