// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import HTTPTransport
import Testing

@testable import Cognigy

@Suite struct FormEncodingTests {
    @Test func encodesAsTheURLStandardDoes() {
        let pairs = [(name: "a b", value: "c&d=e+f%g"), (name: "ü", value: "*-._~\n")]
        let expected = "a+b=c%26d%3De%2Bf%25g&%C3%BC=*-._%7E%0A"
        #expect(String(decoding: FormEncoding.bytes(of: pairs), as: UTF8.self) == expected)
    }
}

@Suite struct RedactorTests {
    @Test func takesSecretsOutInEveryForm() {
        let redactor = Redactor(secrets: ["top secret+", "abc"])
        let text = redactor.cleaned("top secret+ top+secret%2B top%20secret%2B abc")
        #expect(text == "<redacted> <redacted> <redacted> abc")
    }

    @Test func leavesNoPartOfALongerSecret() {
        #expect(Redactor(secrets: ["token", "token-long"]).cleaned("(token-long)") == "(<redacted>)")
    }

    @Test(arguments: [
        ("see https://h/p?X-Sig=1&b=2 now", "see https://h/p?<redacted> now"),
        ("<a href=\"/d?sig=1\">", "<a href=\"/d?<redacted>\">"),
        ("why? because a=b", "why? because a=b"),
        ("why?now", "why?now"),
        ("a?b=c?d=e", "a?<redacted>"),
    ])
    func cutsQueries(text: String, expected: String) {
        #expect(Redactor(secrets: []).cleaned(text) == expected)
    }

    @Test func redactsBeforeItCuts() {
        let text = String(repeating: "x", count: 20) + "topsecret"
        #expect(!Redactor(secrets: ["topsecret"]).cleaned(text, limit: 28).contains("tops"))
    }
}

@Suite struct LinkReaderTests {
    private static let base = "https://api.example.com/base/"

    @Test(arguments: [
        ("https://cdn.example.com/a?X-Sig=%2Fx", "https://cdn.example.com/a?X-Sig=%2Fx"),
        ("HTTPS://CDN.example.com/a", "HTTPS://CDN.example.com/a"),
        ("/files/a?x=1", "https://api.example.com/files/a?x=1"),
        ("files/a", "https://api.example.com/base/files/a"),
        ("//cdn.example.com/a", "https://cdn.example.com/a"),
        ("ftp://cdn.example.com/a", "ftp://cdn.example.com/a"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ])
    func readsLinks(text: String, expected: String) {
        #expect(LinkReader.link(text, base: Self.base)?.url == expected)
    }

    @Test(arguments: ["", "   ", "https://", "http://[::1", "/a\nb", "https://h:99999/"])
    func findsNoLink(text: String) {
        #expect(LinkReader.link(text, base: Self.base) == nil)
    }

    @Test func refusesEndlessLinks() {
        #expect(LinkReader.link("/" + String(repeating: "a", count: 8192), base: Self.base) == nil)
    }
}
