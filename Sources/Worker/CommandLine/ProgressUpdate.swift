// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How far one command has come.
package struct ProgressUpdate: Sendable, Hashable {
    package var commandID: String
    /// One of the stages of the pipeline: `validate`, `trigger`, `poll`, `transfer`, …
    package var stage: String
    /// 0 to 100 of this stage; nil where nobody knows.
    package var percent: Double?
    /// Bytes moved in this stage.
    package var bytes: Int?
    /// Bytes to move in this stage.
    package var total: Int?

    package init(commandID: String, stage: String, percent: Double? = nil, bytes: Int? = nil, total: Int? = nil) {
        self.commandID = commandID
        self.stage = stage
        self.percent = percent
        self.bytes = bytes
        self.total = total
    }

    /// 0 to 1, from the percentage or else from the bytes.
    var fraction: Double? {
        if let percent, percent.isFinite { return min(1, max(0, percent / 100)) }
        guard let bytes, let total, total > 0 else { return nil }
        return min(1, max(0, Double(bytes) / Double(total)))
    }
}

/// How one command ended, in words for whoever waits for it.
package enum ProgressResult: Sendable, Hashable {
    case success(String)
    case failure(String)
}

/// Quantities for people.
enum ProgressText {
    /// Bytes with one decimal where the number is small: `4.2 GiB`, `310 MiB`.
    static func bytes(_ count: Double) -> String {
        var value = max(0, count)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024 && unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let isWhole = unit == 0 || value >= 99.95
        return "\(isWhole ? String(Int(value.rounded())) : String((value * 10).rounded() / 10)) \(units[unit])"
    }

    static func percent(_ fraction: Double) -> String {
        let number = String(Int(fraction * 100))
        return String(repeating: " ", count: max(0, 3 - number.count)) + number + " %"
    }

    /// The columns that a text takes on a terminal, roughly: what is not ASCII may take two.
    static func columns(_ text: String) -> Int { text.reduce(0) { $0 + ($1.isASCII ? 1 : 2) } }

    /// The text, cut to a number of columns.
    static func fit(_ text: String, columns limit: Int) -> String {
        guard columns(text) > limit else { return text }
        var result = ""
        var used = 0
        for character in text {
            used += character.isASCII ? 1 : 2
            if used > limit { break }
            result.append(character)
        }
        return result
    }
}
