// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Worker

@Suite struct ConfigurationValueTests {
    @Test(arguments: [
        ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000), ("0", 0), ("0s", 0),
        ("2m05s", 125_000), ("1h30m", 5_400_000), ("1s500ms", 1500), ("10000d", 864_000_000_000),
    ])
    func durationsRead(text: String, milliseconds: Int64) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", "5", "s", "5 s", "-5s", "+5s", "1.5s", "5S", "5sec", "5s5m", "5s5s", "10001d", "999999999999d",
        "１s", "5µs",
        "9999d9999d", "0x5s", "99999999999999999999s",
    ])
    func otherTextsAreNoDuration(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: [0, 1, 999, 1000, 61_000, 125_000, 86_400_000, 90_061_001])
    func durationsFormatToWhatReads(milliseconds: Int64) {
        let text = DurationText.format(.milliseconds(milliseconds))
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ("0", 0), ("17", 17), ("17B", 17), ("64KiB", 65_536), ("16MiB", 16 << 20), ("1GiB", 1 << 30), ("2TiB", 2 << 40),
    ])
    func sizesRead(text: String, bytes: Int) {
        #expect(SizeText.parse(text) == bytes)
        #expect(SizeText.parse(SizeText.format(bytes)) == bytes)
    }

    @Test(arguments: ["", "KiB", "1KB", "1MB", "1 MiB", "-1", "1.5GiB", "1kib", "99999999999999999TiB", "1KiBx"])
    func otherTextsAreNoSize(text: String) {
        #expect(SizeText.parse(text) == nil)
    }

    @Test func urlsComeApart() throws {
        let url = try #require(URLText("amqps://us%40er:pa:ss@[::1]:5671/v%2fh"))
        #expect(url.scheme == "amqps" && url.user == "us%40er" && url.password == "pa:ss")
        #expect(url.host == "::1" && url.port == 5671 && url.rest == "/v%2fh")
        #expect(url.redacted == "amqps://us%40er:<redacted>@[::1]:5671/v%2fh")
        #expect(URLText("https://h?token=x")?.redacted == "https://h")
    }

    @Test(arguments: [
        "", "h", "//h", "https://", "https://u@", "https://h:", "https://h:0", "https://h:x", "https://[::1",
        "https://[::1]x", "https://a b", "https://ä.example",
    ])
    func otherTextsAreNoURL(text: String) {
        #expect(URLText(text) == nil)
    }

    @Test(arguments: [
        ("localhost", true), ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("0.0.0.0", false),
        ("127.0.0.1.example.com", false), ("127.example", false), ("::", false), ("10.0.0.1", false),
    ])
    func loopbackIsKnownByName(host: String, isLoopback: Bool) {
        #expect(URLText.isLoopback(host) == isLoopback)
    }

    @Test func distancesCountSlips() {
        #expect(Suggestion.distance(Array("".utf8), Array("abc".utf8)) == 3)
        #expect(Suggestion.distance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
        #expect(Suggestion.distance(Array("bucekt".utf8), Array("bucket".utf8)) == 1)
        #expect(Suggestion.nearest(to: "zzz", among: ["bucket", "region"]) == nil)
    }
}
