// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import CognigySimulator

@Suite struct ValueTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("2s", .seconds(2)), ("1m30s", .seconds(90)), ("2h", .seconds(7200)),
        ("1.5s", .milliseconds(1500)), ("7", .seconds(7)), ("0s", .zero),
    ])
    func durationsAreRead(text: String, duration: Duration) {
        #expect(HumanDuration(text: text)?.duration == duration)
    }

    @Test(arguments: ["", "s", "2 s", "-1s", "1x", "1e400s", "99999999999999h", "٣s"])
    func nonsenseIsNoDuration(text: String) {
        #expect(HumanDuration(text: text) == nil)
    }

    @Test(arguments: [("64MiB", 64 << 20), ("4kib", 4096), ("10MB", 10_000_000), ("17", 17), ("1TiB", 1 << 40)])
    func sizesAreRead(text: String, bytes: Int) {
        #expect(ByteSize(text: text)?.bytes == bytes)
    }

    @Test(arguments: ["", "MiB", "-1", "1.5MiB", "99999999TiB", "9223372036854775807GiB"])
    func nonsenseIsNoSize(text: String) {
        #expect(ByteSize(text: text) == nil)
    }

    @Test(arguments: [
        ("*", ""), ("*", "abc"), ("a*c", "abbbc"), ("a?c", "abc"), ("*-x-*", "1-x-2"), ("a*b*c", "aXbYbZc"), ("", ""),
    ])
    func globsMatch(pattern: String, text: String) {
        #expect(Glob(pattern).matches(text))
    }

    @Test(arguments: [("a*c", "abb"), ("a?c", "ac"), ("", "a"), ("abc", "abcd"), ("*b", "abc")])
    func globsMatchTheWholeOnly(pattern: String, text: String) {
        #expect(!Glob(pattern).matches(text))
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ])
    func datesAreWrittenAsHTTPWantsThem(seconds: Int, text: String) {
        #expect(HTTPDate.text(unixSeconds: seconds) == text)
    }

    @Test func percentCodingIsReversible() {
        let text = "a b/ü?%+~"
        #expect(PercentCoding.encode(text) == "a%20b%2F%C3%BC%3F%25%2B~")
        #expect(PercentCoding.decode(PercentCoding.encode(text)) == text)
        #expect(PercentCoding.decode("%zz") == nil)
        #expect(PercentCoding.decode("%FF") == nil)
        #expect(PercentCoding.fields("a=1+2&b=%26", plusIsBlank: true) == ["a": "1 2", "b": "&"])
    }

    @Test func jsonIsKeptAsItCame() throws {
        let text = #"{"a":[1,2.5,true,null,"x"],"b":{"c":"d"}}"#
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(value.object?["a"] == .array([1, .number(2.5), true, .null, "x"]))
        #expect(value.object?["b"]?.object?["c"]?.string == "d")
    }
}
