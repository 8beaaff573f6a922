// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExchangeTests {
    @Test func answersWithStatusHeadersAndBody() async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer("201 Created", headers: ["X-One: 1", "x-two:  2 ", "X-Empty:"], body: "hello")
        } body: { client, server in
            let answer = try await client.exchange(
                HTTPRequest(method: .get, url: server.url("/a%20b/../c?x=1"), headers: ["X-Ask": "yes"]))
            #expect(answer.status == 201)
            #expect(answer.body == Array("hello".utf8))
            #expect(answer.headers["X-TWO"] == "2")
            #expect(answer.headers["x-empty"] == "")
            let seen = try #require(server.requests.first)
            #expect(seen.line == "GET /a%20b/../c?x=1 HTTP/1.1")
            #expect(seen.header("x-ask") == "yes")
            #expect(seen.header("accept-encoding") == nil)
            #expect(seen.header("host") == "127.0.0.1:\(server.port)")
        }
    }

    @Test func sendsBodiesOfEveryKind() async throws {
        try await withClient(HTTPClientConfiguration(maximumIdleAge: .seconds(60))) { connection in
            while connection.readRequest() != nil { connection.answer("204 No Content") }
        } body: { client, server in
            let buffer = TransferBuffer(capacity: 100)
            _ = unsafe Array("buffered".utf8).withUnsafeBytes { unsafe buffer.append($0) }
            let url = server.url()
            _ = try await client.exchange(HTTPRequest(method: .post, url: url, body: .bytes(Array("posted".utf8))))
            _ = try await client.exchange(HTTPRequest(method: .put, url: url, body: .buffer(buffer)))
            _ = try await client.exchange(HTTPRequest(method: .put, url: url))
            _ = try await client.exchange(HTTPRequest(method: .post, url: url))
            _ = try await client.exchange(HTTPRequest(method: .delete, url: url))
            let seen = server.requests
            #expect(seen.map { String(decoding: $0.body, as: UTF8.self) } == ["posted", "buffered", "", "", ""])
            #expect(seen.map { $0.line.prefix { $0 != " " } } == ["POST", "PUT", "PUT", "POST", "DELETE"])
            #expect(seen[0].header("content-type") == nil)
            #expect(seen[2].header("content-length") == "0")
            #expect(seen[3].header("content-length") == "0")
            #expect(seen.allSatisfy { $0.header("expect") == nil })
            #expect(server.accepted == 1)
        }
    }

    @Test func headAnswersHaveNoBody() async throws {
        try await withClient { connection in
            while connection.readRequest() != nil {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
            }
        } body: { client, server in
            let answer = try await client.exchange(HTTPRequest(method: .head, url: server.url()))
            #expect(answer.headers["content-length"] == "9999999")
            #expect(answer.body.isEmpty)
        }
    }

    @Test func readsChunkedBodiesAndDropsTrailers() async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            connection.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Late: 1\r\n\r\n")
        } body: { client, server in
            let answer = try await client.exchange(get(server.url()))
            #expect(answer.body == Array("abcde".utf8))
            #expect(answer.headers["link"] == nil)
            #expect(answer.headers["x-late"] == nil)
        }
    }

    @Test(arguments: [true, false]) func refusesBodiesOverTheLimit(isAnnounced: Bool) async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\n" + (isAnnounced ? "Content-Length: 101\r\n\r\n" : "\r\n"))
            connection.send([UInt8](repeating: 1, count: 101))
        } body: { client, server in
            var request = get(server.url())
            request.maximumResponseBytes = 100
            let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
            #expect(error?.code == .tooLarge)
            #expect(error?.isRetriable == false)
        }
    }

    @Test func asksFirstWithLargeBodiesOnly() async throws {
        let body = (0..<3_000_000).map { UInt8($0 % 251) }
        let seenBody = try await withClient { connection in
            guard let request = connection.readRequest() else { return }
            guard request.header("expect") == "100-continue" else { return }
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            let body = connection.readBody(3_000_000)
            connection.answer(body: String(body.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }))
        } body: { client, server in
            try await client.exchange(HTTPRequest(method: .put, url: server.url(), body: .bytes(body))).body
        }
        let expected = body.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }
        #expect(String(decoding: seenBody, as: UTF8.self) == String(expected))
    }

    @Test func sendsAnywayWhenNobodyAnswersTheExpectation() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.expectContinueTimeout = .milliseconds(20)
        try await withClient(configuration) { connection in
            guard connection.readRequest(bodyBytes: 1 << 20) != nil else { return }
            connection.answer()
        } body: { client, server in
            let body = HTTPRequestBody.bytes([UInt8](repeating: 7, count: 1 << 20))
            let answer = try await client.exchange(HTTPRequest(method: .put, url: server.url(), body: body))
            #expect(answer.status == 200)
        }
    }

    @Test func repeatsOnAnotherConnectionAfter417() async throws {
        try await withClient { connection in
            guard let request = connection.readRequest() else { return }
            guard request.header("expect") == nil else {
                connection.answer("417 Expectation Failed")
                return connection.waitForClose()
            }
            connection.answer(body: String(request.body.count))
        } body: { client, server in
            let body = HTTPRequestBody.bytes([UInt8](repeating: 7, count: 1 << 20))
            let answer = try await client.exchange(HTTPRequest(method: .put, url: server.url(), body: body))
            #expect(answer.status == 200)
            #expect(answer.body == Array("1048576".utf8))
            #expect(server.requests.map(\.connection) == [0, 1])
        }
    }

    @Test func goesBackInTheBodyWhenAKeptConnectionIsStale() async throws {
        let body = (0..<300_000).map { UInt8($0 % 251) }
        // However long the machine takes between the two requests, the connection is used again.
        let patient = HTTPClientConfiguration(maximumIdleAge: .seconds(600))
        try await withClient(patient) { connection in
            while true {
                // The second request on the first connection: takes the head and some of the body, then breaks.
                let isBreaking = connection.index == 0 && connection.requestsRead == 1
                guard let request = connection.readRequest(bodyBytes: isBreaking ? 1 : nil) else { return }
                if isBreaking { return connection.reset() }
                connection.answer(body: String(request.body.count))
            }
        } body: { client, server in
            _ = try await client.exchange(get(server.url()))
            let answer = try await client.exchange(HTTPRequest(method: .put, url: server.url(), body: .bytes(body)))
            #expect(answer.body == Array("300000".utf8))
            #expect(server.requests.map(\.connection) == [0, 0, 1])
            #expect(server.requests.last?.body == body)
        }
    }

    @Test func refusesHeadersThatWouldBreakTheMessage() async throws {
        try await withClient { _ in
        } body: { client, server in
            for headers: HTTPHeaders in [["X": "a\r\nY: b"], ["X Y": "a"], ["": "a"], ["X": "a\0"]] {
                let request = HTTPRequest(method: .get, url: server.url(), headers: headers)
                let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
                #expect(error?.code == .invalidRequest)
            }
            #expect(server.accepted == 0)
        }
    }
}
