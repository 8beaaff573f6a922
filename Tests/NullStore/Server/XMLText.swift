// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// As much XML as S3's clients write and read.
enum XMLText {
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The parts that the body of a completion names; nil where it is none.
    static func parts(_ bytes: [UInt8]) -> [NamedPart]? {
        let text = String(decoding: bytes, as: UTF8.self)[...]
        var parts: [NamedPart] = []
        for element in elements("Part", in: text) {
            guard let number = elements("PartNumber", in: element).first.flatMap({ Int($0) }),
                let etag = elements("ETag", in: element).first
            else { return nil }
            let bare = etag.split(separator: "&quot;").joined().split(separator: "&#34;").joined().filter { $0 != "\"" }
            parts.append(
                NamedPart(
                    number: number, etag: "\"\(bare)\"",
                    crc32c: elements("ChecksumCRC32C", in: element).first.map(String.init)))
        }
        return parts.isEmpty ? nil : parts
    }

    /// What stands between the tags of each element of a name; elements of one name within each other do not occur.
    private static func elements(_ name: String, in text: Substring) -> [Substring] {
        let (opening, closing) = ("<\(name)>", "</\(name)>")
        return text.split(separator: opening, omittingEmptySubsequences: false).dropFirst()
            .compactMap { $0.split(separator: closing, maxSplits: 1, omittingEmptySubsequences: false).first }
    }

    /// `2026-11-23T10:52:39.000Z`
    static func date(_ seconds: Int) -> String {
        let (year, month, day) = civil(seconds / 86_400)
        let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map(padded).joined(separator: ":")
        return "\(year)-\(padded(month))-\(padded(day))T\(time).000Z"
    }

    /// `Mon, 23 Nov 2026 10:52:39 GMT`
    static func httpDate(_ seconds: Int) -> String {
        let (year, month, day) = civil(seconds / 86_400)
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][seconds / 86_400 % 7]
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map(padded).joined(separator: ":")
        return "\(weekday), \(padded(day)) \(names[month - 1]) \(year) \(time) GMT"
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let days = days + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}
