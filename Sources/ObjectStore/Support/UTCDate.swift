// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Seconds since 1970 as the three forms of a date that S3 requests carry; no time zone, no locale, no calendar.
struct UTCDate: Sendable, Hashable {
    let secondsSince1970: Int64

    /// `20130524`: the day of a credential scope.
    var day: String {
        let date = civil
        return padded(date.year, 4) + padded(date.month, 2) + padded(date.day, 2)
    }

    /// `20130524T000000Z`: the value of `x-amz-date`.
    var timestamp: String {
        let time = clock
        return day + "T" + padded(time.hour, 2) + padded(time.minute, 2) + padded(time.second, 2) + "Z"
    }

    /// `2013-05-24T00:00:00Z` (RFC 3339), as Object Lock wants its retention date.
    var rfc3339: String {
        let (date, time) = (civil, clock)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
            + "T\(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2))Z"
    }

    private var clock: (hour: Int64, minute: Int64, second: Int64) {
        let second = ((secondsSince1970 % 86_400) + 86_400) % 86_400
        return (second / 3600, second / 60 % 60, second % 60)
    }

    /// Year, month and day (Howard Hinnant's `civil_from_days`).
    private var civil: (year: Int64, month: Int64, day: Int64) {
        let shifted = (secondsSince1970 >= 0 ? secondsSince1970 : secondsSince1970 - 86_399) / 86_400 + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let calendarMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
        return (year, calendarMonth, dayOfYear - (153 * month + 2) / 5 + 1)
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension UTCDate {
    /// Reads a `Date` header in its one current form, `Fri, 24 May 2013 00:00:00 GMT` (RFC 9110 §5.6.7).
    init?(httpDate text: String) {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int64(words[1]), let year = Int64(words[3]),
            let month = Self.months.firstIndex(of: String(words[2])), (1...31).contains(day),
            (1970...9999).contains(year)
        else { return nil }
        self.init(year: year, month: Int64(month + 1), day: day, clock: words[4])
    }

    /// Reads RFC 3339 in UTC, with or without a fraction of a second (which is dropped).
    init?(rfc3339 text: String) {
        let halves = text.split(separator: "T")
        guard halves.count == 2, halves[1].hasSuffix("Z") else { return nil }
        let date = halves[0].split(separator: "-").compactMap { Int64($0) }
        let clock = halves[1].dropLast().split(separator: ".").first ?? ""
        guard date.count == 3, (1970...9999).contains(date[0]), (1...12).contains(date[1]), (1...31).contains(date[2])
        else { return nil }
        self.init(year: date[0], month: date[1], day: date[2], clock: clock)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Howard Hinnant's `days_from_civil`, and the time of day.
    private init?(year: Int64, month: Int64, day: Int64, clock: Substring) {
        let parts = clock.split(separator: ":").compactMap { Int64($0) }
        guard parts.count == 3, (0...23).contains(parts[0]), (0...59).contains(parts[1]), (0...60).contains(parts[2])
        else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (shifted / 400, shifted % 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        self.init(secondsSince1970: days * 86_400 + parts[0] * 3600 + parts[1] * 60 + parts[2])
    }
}
