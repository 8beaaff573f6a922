// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import TestKit
import Testing

/// The proxy that tests put between a worker and its object store.
@Suite struct FaultProxyTests {
    /// Answers with what it was sent: method, target, host and the length of the body.
    private static let echo: RawHTTPServer.Script = { connection in
        while let request = connection.readRequest() {
            if request.header("expect") != nil { connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
            let length = request.header("content-length").flatMap { Int($0) } ?? 0
            let body = request.header("expect") == nil ? request.body : connection.readBody(length)
            let text = "\(request.line) \(request.header("host") ?? "") \(body.count)"
            if request.line.hasPrefix("HEAD") {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kept: yes\r\n\r\n")
            } else if request.line.contains("chunked") {
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                connection.send("3;x=y\r\nabc\r\n8\r\n\r\n\r\n\r\n\r\n\r\n0\r\nX-Trailer: t\r\n\r\n")
            } else {
                connection.answer(body: text)
            }
        }
    }

    private func withProxy(_ body: (HTTPClient, HTTPFaultProxy, RawHTTPServer) async throws -> Void) async throws {
        try await withClient(script: Self.echo) { client, server in
            let proxy = try HTTPFaultProxy(to: server.port)
            defer { proxy.stop() }
            try await body(client, proxy, server)
        }
    }

    private func text(_ response: HTTPResponse) -> String { String(decoding: response.body, as: UTF8.self) }

    @Test func forwardsUnchanged() async throws {
        try await withProxy { client, proxy, server in
            let url = proxy.endpoint + "/a/b?c=d"
            let host = "127.0.0.1:\(proxy.port)"
            let small = try await client.exchange(HTTPRequest(method: .put, url: url, body: .bytes([1, 2, 3])))
            #expect(text(small) == "PUT /a/b?c=d HTTP/1.1 \(host) 3")
            let many = [UInt8](repeating: 7, count: 3 << 20)
            let large = try await client.exchange(HTTPRequest(method: .put, url: url, body: .bytes(many)))
            #expect(text(large) == "PUT /a/b?c=d HTTP/1.1 \(host) \(many.count)")
            let waiting = try await client.exchange(
                HTTPRequest(method: .put, url: url, headers: ["Expect": "100-continue"], body: .bytes(many)))
            #expect(text(waiting) == "PUT /a/b?c=d HTTP/1.1 \(host) \(many.count)")
            let head = try await client.exchange(HTTPRequest(method: .head, url: url))
            #expect(head.headers["x-kept"] == "yes" && head.headers["content-length"] == "5")
            let chunked = try await client.exchange(HTTPRequest(method: .get, url: proxy.endpoint + "/chunked"))
            #expect(text(chunked) == "abc\r\n\r\n\r\n\r\n")
            #expect(server.requests.count == 5)
        }
    }

    @Test func answersTheRequestsMeant() async throws {
        try await withProxy { client, proxy, server in
            let rule = proxy.add(
                .answer(status: 503, headers: ["X-Why: test"], body: "no"), method: "PUT", path: "/state/",
                query: "x=1",
                after: 1, times: 2)
            var statuses: [Int] = []
            for _ in 0..<4 {
                let request = HTTPRequest(method: .put, url: proxy.endpoint + "/state/k?x=1", body: .bytes([1]))
                statuses.append(try await client.exchange(request).status)
            }
            #expect(statuses == [200, 503, 503, 200])
            for (method, target) in [(HTTPMethod.get, "/state/k?x=1"), (.put, "/else?x=1"), (.put, "/state/k?x=2")] {
                let other = HTTPRequest(method: method, url: proxy.endpoint + target)
                #expect(try await client.status(other) == 200)
            }
            #expect(rule.hits == 2)
            #expect(server.requests.count == 5)
        }
    }

    @Test(arguments: [0, 1]) func losesTheAnswerAfterTheEffect(lines: Int) async throws {
        try await withProxy { client, proxy, server in
            // Without the condition on a fresh connection libcurl would repeat the request by itself.
            proxy.add(.loseAnswer(afterLines: lines), times: 1)
            let error = await failure { () async throws(HTTPError) in
                try await client.exchange(HTTPRequest(method: .put, url: proxy.endpoint + "/", body: .bytes([1])))
            }
            #expect(error?.wasSent == true && error?.isRetriable == true, "\(String(describing: error))")
            #expect(server.requests.count == 1)
        }
    }

    @Test func changesAnswersAndCuts() async throws {
        try await withProxy { client, proxy, server in
            proxy.add(
                .change { head in
                    head["content-length"] = "6"
                    head["x-kept"] = nil
                }, method: "HEAD")
            proxy.add(.cut, path: "/cut")
            let head = try await client.exchange(HTTPRequest(method: .head, url: proxy.endpoint + "/"))
            #expect(head.headers["x-kept"] == nil && head.headers["content-length"] == "6")
            let error = await failure { () async throws(HTTPError) in
                try await client.exchange(HTTPRequest(method: .put, url: proxy.endpoint + "/cut", body: .bytes([1])))
            }
            #expect(error?.code == .reset)
            #expect(server.requests.count == 1)
        }
    }

    @Test func holdsUntilReleased() async throws {
        try await withProxy { client, proxy, server in
            let rule = proxy.add(.hold, path: "/held")
            async let held = client.status(HTTPRequest(method: .get, url: proxy.endpoint + "/held"))
            #expect(await rule.wait(forHits: 1))
            #expect(server.requests.isEmpty)
            let other = try await client.exchange(HTTPRequest(method: .get, url: proxy.endpoint + "/other"))
            #expect(other.status == 200)
            rule.end()
            #expect(try await held == 200)
        }
    }
}
