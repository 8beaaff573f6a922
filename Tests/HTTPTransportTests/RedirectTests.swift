// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import TestKit
import Testing

@testable import HTTPTransport

@Suite(.timeLimit(.minutes(1))) struct RedirectTests {
    /// A request with everything that must not be seen by another origin.
    private func secretRequest(_ url: String) -> HTTPRequest {
        HTTPRequest(
            method: .get, url: url,
            headers: [
                "Authorization": "Bearer t", "X-API-Key": "k", "x-own-secret": "s", "Cookie": "c=1", "X-Plain": "p",
            ])
    }

    private let policy = RedirectPolicy(credentialHeaders: ["X-Api-Key", "X-Own-Secret"])

    private func credentials(of request: RawRequest) -> [String] {
        ["authorization", "x-api-key", "x-own-secret", "cookie"].filter { request.header($0) != nil }
    }

    @Test func credentialsStayAtTheirOrigin() async throws {
        let other = try RawHTTPServer { connection in
            while let request = connection.readRequest() {
                // The second hop leads back to where the credentials came from: they must not come back.
                guard request.line.hasPrefix("GET /back"), let home = request.header("x-plain") else { return }
                connection.answer("302 Found", headers: ["Location: \(home)/final"])
            }
        }
        try await withClient { connection in
            while let request = connection.readRequest() {
                if request.line.hasPrefix("GET /final") {
                    connection.answer(body: "done")
                } else {
                    connection.answer("307 Temporary Redirect", headers: ["Location: \(other.url("/back?sig=1"))"])
                }
            }
        } body: { client, server in
            var request = secretRequest(server.url("/start"))
            request.headers["X-Plain"] = "http://127.0.0.1:\(server.port)"
            let download = try await client.open(request, redirects: policy)
            #expect(try await download.readAll(maximum: 100) == Array("done".utf8))
            #expect(download.url == server.url("/final"))
            #expect(credentials(of: server.requests[0]).count == 4)
            let elsewhere = try #require(other.requests.first)
            #expect(credentials(of: elsewhere) == [])
            #expect(credentials(of: server.requests[1]) == [])
            #expect(server.requests[1].header("x-plain") != nil)
            #expect(server.requests[1].header("referer") == nil)
        }
        other.stop()
    }

    @Test func credentialsGoAlongWithinTheOrigin() async throws {
        try await withClient { connection in
            while let request = connection.readRequest() {
                if request.line.hasPrefix("GET /dir/next?x=a+b ") {
                    connection.answer(body: "done")
                } else {
                    connection.answer("302 Found", headers: ["Location: next?x=a b#part"])
                }
            }
        } body: { client, server in
            let download = try await client.open(secretRequest(server.url("/dir/start")), redirects: policy)
            #expect(try await download.readAll(maximum: 100) == Array("done".utf8))
            #expect(credentials(of: server.requests[1]).count == 4)
        }
    }

    @Test(arguments: [
        "ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:pw@127.0.0.1:1/", "/start?loop", "http://[broken/",
        "//",
    ]) func refusesTargets(location: String) async throws {
        try await withClient { connection in
            while connection.readRequest() != nil { connection.answer("302 Found", headers: ["Location: \(location)"]) }
        } body: { client, server in
            let error = await failure { () async throws(HTTPError) in
                try await client.open(get(server.url("/start?loop")))
            }
            #expect(error?.code == .redirectRefused)
            #expect(error?.isRetriable == false)
            #expect(error?.description.contains("pw@") == false)
            #expect(error?.description.contains("loop") == false)
        }
    }

    @Test func followsNoMoreThanAllowed() async throws {
        try await withClient { connection in
            while let request = connection.readRequest() {
                let number = Int(request.line.split(separator: " ")[1].dropFirst()) ?? 0
                connection.answer("302 Found", headers: ["Location: /\(number + 1)"])
            }
        } body: { client, server in
            let request = get(server.url("/0"))
            let error = await failure { () async throws(HTTPError) in
                try await client.open(request, redirects: RedirectPolicy(maximum: 3))
            }
            #expect(error?.code == .redirectRefused)
            #expect(server.requests.count == 4)
        }
    }

    @Test func neverFromHTTPSToHTTP() throws {
        var route = RedirectRoute(request: get("https://a.example/x"), policy: RedirectPolicy())
        let head = ResponseHead(status: 302, headers: ["Location": "http://a.example/y"], contentLength: nil)
        #expect(throws: HTTPError.self) { try follow(&route, head, "https://a.example/x") }
    }

    @Test func theClientCertificateStaysAtItsOrigin() throws {
        var request = get("https://a.example/x")
        request.trust = TLSTrust(caFile: "ca", clientCertificateFile: "cert", clientKeyFile: "key")
        var route = RedirectRoute(request: request, policy: RedirectPolicy())
        let head = ResponseHead(status: 302, headers: ["Location": "https://b.example/y"], contentLength: nil)
        #expect(try follow(&route, head, "https://a.example/x"))
        #expect(route.request.trust == TLSTrust(caFile: "ca"))
        #expect(route.request.url == "https://b.example/y")
    }

    @Test func exchangesFollowNothing() async throws {
        try await withClient { connection in
            while connection.readRequest() != nil { connection.answer("302 Found", headers: ["Location: /next"]) }
        } body: { client, server in
            let answer = try await client.exchange(get(server.url()))
            #expect(answer.status == 302)
            #expect(answer.headers["location"] == "/next")
            #expect(server.requests.count == 1)
        }
    }

    @Test func aRedirectWithoutTargetIsAnAnswer() async throws {
        try await withClient { connection in
            while connection.readRequest() != nil { connection.answer("304 Not Modified") }
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            #expect(download.status == 304)
        }
    }
}
