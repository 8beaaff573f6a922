// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HTTPTransport

@Suite struct WebURLTests {
    @Test func takesURLsApart() throws {
        let url = try WebURL("HTTPS://Example.COM:8443/a%2Fb/../c?x=1&y=%20#part")
        #expect(url.scheme == "https")
        #expect(url.host == "example.com")
        #expect(url.port == 8443)
        #expect(url.path == "/a%2Fb/../c")
        #expect(url.query == "x=1&y=%20")
        #expect(!url.string.contains("#"))
        #expect(url.authority == "example.com:8443")
        #expect(url.redacted == "https://example.com:8443/a%2Fb/../c")
    }

    @Test func knowsDefaultPortsAndIPv6() throws {
        let url = try WebURL("http://[2001:DB8::1]")
        #expect(url.port == 80)
        #expect(url.host == "2001:db8::1")
        #expect(url.path == "/")
        #expect(url.query == nil)
        #expect(url.authority == "[2001:db8::1]")
        #expect(url.redacted == "http://[2001:db8::1]:80/")
        #expect(try WebURL("https://h/").origin == WebURL("https://H:443/x?y").origin)
        #expect(try WebURL("https://h/").origin != WebURL("http://h:443/").origin)
    }

    @Test(arguments: [
        "", "/relative", "example.com/x", "ftp://example.com/", "file:///etc/passwd", "http://",
        "http://h:0/", "http://h:70000/", "http://h:x/", "javascript:alert(1)", "http://h/\0x", "http://a b/",
    ]) func refusesWhatIsNoWebURL(text: String) {
        let error = #expect(throws: HTTPError.self) { try WebURL(text) }
        #expect(error?.code == .invalidRequest)
    }

    /// libcurl decodes the host of a URL: what is checked here has to be what is connected to later.
    @Test func isTheSameHostEachTimeItIsRead() throws {
        let url = try WebURL("http://exam%70le.com/a%2570b")
        #expect(url.host == "example.com" && url.path == "/a%2570b")
        #expect(try WebURL(url.string) == url)
        for twice in ["http://exam%2570le.com/", "http://127.0.0%252e1/", "http:/-169.69%2540.1255.169.2543latest"] {
            #expect(throws: HTTPError.self) { try WebURL(twice) }
            #expect(throws: HTTPError.self) { try url.resolving(relative: twice) }
        }
        #expect(try WebURL("http://[fe80::1%25eth0]/").host == "fe80::1")
    }

    @Test func neverShowsUserInformation() throws {
        let url = try WebURL("https://user:pa%20ss@example.com/x?token=1")
        #expect(url.hasUserInfo)
        #expect(url.redacted == "https://example.com:443/x")
        #expect("\(url)" == url.redacted)
    }

    @Test(arguments: [
        ("/abs?q=1", "https://h:444/abs?q=1"), ("rel", "https://h:444/a/rel"), ("../up", "https://h:444/up"),
        ("//other/x", "https://other/x"), ("http://x/y", "http://x/y"), ("?only", "https://h:444/a/b?only"),
        ("/with blank/é", "https://h:444/with%20blank/%c3%a9"), ("/kept%2F%20", "https://h:444/kept%2F%20"),
    ]) func resolvesReferences(reference: String, expected: String) throws {
        let base = try WebURL("https://h:444/a/b?old=1")
        #expect(try base.resolving(relative: reference).string == expected)
    }

    @Test func cleansTextsOfLibcurl() {
        let text = "Could not GET http://user:pw@h/x?token=abc&y to it\nnow"
        #expect(HTTPError.cleaned(text) == "Could not GET http://h/x?… to it now")
        #expect(HTTPError.cleaned(String(repeating: "x", count: 1000)).count == 200)
    }
}
