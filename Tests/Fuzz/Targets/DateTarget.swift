// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import Cognigy
@testable import ExportPipeline
@testable import HTTPTransport
@testable import ObjectStore

extension FuzzTarget {
    private static let now: Int64 = 1_795_397_025
    /// No form has five digits for a year; a leap second of its last day is the one way to reach it.
    private static let endOf9999: Int64 = 253_402_300_800

    /// Two lines: what `Retry-After` says, and `Date`; each is read as every other form of a date as well.
    static let dates = FuzzTarget(name: "dates", summary: "Retry-After, HTTP dates, RFC 3339") { input in
        let (line, rest) = HeadedText.firstLine(of: input)
        var headers: HTTPHeaders = ["Retry-After": line]
        headers["Date"] = String(decoding: rest, as: UTF8.self)
        if let wait = RetryAfter.wait(in: headers, wallSeconds: now) {
            try claim((.zero...RetryAfter.maximum).contains(wait), "a wait of \(wait)")
        }
        for text in [line, String(decoding: rest, as: UTF8.self)] { try check(text) }
    }

    private static func check(_ text: String) throws {
        if let seconds = HTTPDate.seconds(text, now: now), seconds < endOf9999 {
            let written = try imfFixdate(seconds)
            try claimSame(HTTPDate.seconds(written, now: now), seconds, "\(text) is \(written), which read again")
        }
        if let date = UTCDate(httpDate: text) {
            // Stricter about the calendar; where both read it they agree.
            if let seconds = HTTPDate.seconds(text, now: now) {
                try claimSame(date.secondsSince1970, seconds, "two readers of \(text)")
            }
            try check(date)
        }
        if let date = UTCDate(rfc3339: text) { try check(date) }
        if let moment = Timestamp(text) { try claimSame(moment.description, text, "a moment written again") }
    }

    private static func check(_ date: UTCDate) throws {
        guard date.secondsSince1970 < endOf9999 else { return }
        try claimSame(UTCDate(rfc3339: date.rfc3339), date, "\(date.rfc3339) read again")
        try claim(date.timestamp.utf8.count == 16, "the timestamp \(date.timestamp)")
        try claim(date.secondsSince1970 >= 0, "a moment before 1970: \(date.secondsSince1970)")
    }

    /// A date between the years 0 and 9999 in the preferred form; the weekday is not looked at.
    private static func imfFixdate(_ seconds: Int64) throws -> String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let (year, month, day) = Timestamp(milliseconds: seconds * 1000).civilDate
        try claim((-1...10_000).contains(year), "the year \(year)")
        let time = ((seconds % 86_400) + 86_400) % 86_400
        func padded(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "Mon, \(padded(day, 2)) \(months[month - 1]) \(padded(year, 4)) "
            + "\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2)) GMT"
    }
}
