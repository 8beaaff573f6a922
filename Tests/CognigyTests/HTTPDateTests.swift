// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import Testing

@testable import Cognigy

@Suite struct HTTPDateTests {
    /// 2026-11-23T00:00:00Z
    private static let now: Int64 = 1_795_392_000

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Sun Nov 16 08:49:37 1994", 784_975_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200),
            ("Friday, 31-Dec-99 23:59:59 GMT", 946_684_799),
            ("Monday, 23-Nov-76 00:00:00 GMT", 3_373_315_200),
            ("Tuesday, 23-Nov-77 00:00:00 GMT", 249_091_200),
        ] as [(String, Int64)])
    func readsEveryForm(text: String, seconds: Int64) {
        #expect(HTTPDate.seconds(text, now: Self.now) == seconds)
    }

    @Test(arguments: [
        "", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 006 08:49:37 1994",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Thu, 29 Feb 2023 00:00:00 GMT", "1994-11-06T08:49:37Z", "Sun Nov 6 1994",
    ])
    func refusesGarbage(text: String) {
        #expect(HTTPDate.seconds(text, now: Self.now) == nil)
    }
}

@Suite struct RetryAfterTests {
    private static let wall: Int64 = 784_111_777

    @Test(
        arguments: [
            ("0", .zero), ("7", .seconds(7)), (" 7\t", .seconds(7)), ("301", .seconds(300)),
            ("99999999999999999999999", .seconds(300)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", .seconds(20)), ("Sun, 06 Nov 1994 08:49:17 GMT", .zero),
            ("Sunday, 06-Nov-94 08:49:57 GMT", .seconds(20)), ("Sun Nov  6 08:49:57 1994", .seconds(20)),
            ("Sun, 06 Nov 1994 09:49:37 GMT", .seconds(300)),
        ] as [(String, Duration)])
    func readsSecondsAndDates(value: String, wait: Duration) {
        #expect(RetryAfter.wait(in: ["Retry-After": value], wallSeconds: Self.wall) == wait)
    }

    @Test(arguments: ["", "-1", "1.5", "soon", "0x10", "1e3", "Sun, 99 Nov 1994 08:49:37 GMT"])
    func garbageAsksForNothing(value: String) {
        #expect(RetryAfter.wait(in: ["Retry-After": value], wallSeconds: Self.wall) == nil)
    }

    @Test func missingAsksForNothing() {
        #expect(RetryAfter.wait(in: [:], wallSeconds: Self.wall) == nil)
    }

    @Test func comparesWithTheServersOwnClock() {
        let headers: HTTPHeaders = [
            "Date": "Sun, 06 Nov 1994 10:00:00 GMT", "Retry-After": "Sun, 06 Nov 1994 10:00:05 GMT",
        ]
        #expect(RetryAfter.wait(in: headers, wallSeconds: Self.wall) == .seconds(5))
    }
}
