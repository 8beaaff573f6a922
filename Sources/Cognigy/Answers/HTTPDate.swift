// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// Reads the three forms of a date in HTTP (RFC 9110 §5.6.7) without locale or calendar libraries.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let weekdays = [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]

    /// Seconds since 1970 of a date, nil for anything else.
    ///
    /// The day of the week must be one but is not compared with the date. A year of two digits is the one that lies
    /// at most 50 years ahead of `now` (seconds since 1970).
    static func seconds(_ text: String, now: Int64) -> Int64? {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard let first = words.first else { return nil }
        switch (words.count, first.hasSuffix(",")) {
        case (6, true): return imfFixdate(words)
        case (4, true): return rfc850(words, now: now)
        case (5, false): return asctime(words)
        default: return nil
        }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func imfFixdate(_ words: [Substring]) -> Int64? {
        guard isWeekday(words[0].dropLast(), isShort: true), words[5] == "GMT",
            let day = number(words[1], digits: 2), let month = month(words[2]), let year = number(words[3], digits: 4),
            let time = timeOfDay(words[4])
        else { return nil }
        return seconds(year, month, day, time)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    private static func rfc850(_ words: [Substring], now: Int64) -> Int64? {
        let date = words[1].split(separator: "-", omittingEmptySubsequences: false)
        guard isWeekday(words[0].dropLast(), isShort: false), words[3] == "GMT", date.count == 3,
            let day = number(date[0], digits: 2), let month = month(date[1]), let short = number(date[2], digits: 2),
            let time = timeOfDay(words[2])
        else { return nil }
        return seconds(fullYear(short, now: now), month, day, time)
    }

    /// `Sun Nov  6 08:49:37 1994`
    private static func asctime(_ words: [Substring]) -> Int64? {
        guard isWeekday(words[0], isShort: true), let month = month(words[1]),
            let day = number(words[2], digits: words[2].count), words[2].count <= 2,
            let time = timeOfDay(words[3]), let year = number(words[4], digits: 4)
        else { return nil }
        return seconds(year, month, day, time)
    }

    private static func isWeekday(_ text: Substring, isShort: Bool) -> Bool {
        weekdays.contains { isShort ? $0.prefix(3) == text : $0[...] == text }
    }

    private static func month(_ text: Substring) -> Int64? {
        months.firstIndex { $0[...] == text }.map { Int64($0) + 1 }
    }

    private static func number(_ text: Substring, digits: Int) -> Int64? {
        guard digits > 0, text.utf8.count == digits, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }

    private static func timeOfDay(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hour = number(parts[0], digits: 2), let minute = number(parts[1], digits: 2),
            let second = number(parts[2], digits: 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func seconds(_ year: Int64, _ month: Int64, _ day: Int64, _ time: Int64) -> Int64? {
        let days = Timestamp.daysSinceEpoch(year: year, month: month, day: day)
        let next = month == 12 ? (year + 1, 1) : (year, month + 1)
        guard day >= 1, days < Timestamp.daysSinceEpoch(year: next.0, month: next.1, day: 1) else { return nil }
        return days * 86_400 + time
    }

    private static func fullYear(_ short: Int64, now: Int64) -> Int64 {
        let thisYear = Int64(Timestamp(milliseconds: now * 1000).civilDate.year)
        let candidate = thisYear - thisYear % 100 + short
        return candidate > thisYear + 50 ? candidate - 100 : candidate
    }
}
