// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A size as people write it: `"64MiB"`, `"4KiB"`, `"10MB"`, `"17"`, or a number of bytes.
package struct ByteSize: Sendable, Hashable {
    /// The number of bytes, never negative.
    package var bytes: Int

    /// Wraps a number of bytes.
    package init(_ bytes: Int) {
        self.bytes = bytes
    }

    /// Reads `64MiB`, `10MB`, `512B` or a bare number of bytes; nil for anything else and for more than 1 EiB.
    package init?(text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let amount = Int(digits), let scale = Self.scale(of: text.dropFirst(digits.count).lowercased()) else {
            return nil
        }
        let (product, overflow) = amount.multipliedReportingOverflow(by: scale)
        guard !overflow, product <= 1 << 60 else { return nil }
        bytes = product
    }

    private static func scale(of unit: String) -> Int? {
        switch unit {
        case "", "b": 1
        case "kib": 1 << 10
        case "mib": 1 << 20
        case "gib": 1 << 30
        case "tib": 1 << 40
        case "kb": 1000
        case "mb": 1_000_000
        case "gb": 1_000_000_000
        default: nil
        }
    }
}

extension ByteSize: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let bytes = try? container.decode(Int.self), bytes >= 0, bytes <= 1 << 60 {
            self.init(bytes)
        } else if let text = try? container.decode(String.self), let value = Self(text: text) {
            self = value
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a size: write \"64MiB\", \"10MB\" or a number of bytes")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}
