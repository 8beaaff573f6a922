// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import Logging
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct FailureTests {
    @Test(arguments: [
        ("garbage\r\n\r\n", HTTPError.Code.malformed), ("HTTP/1.1 abc OK\r\n\r\n", .malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", .malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", .malformed),
        ("HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 200_000))\r\n\r\n", .malformed),
        (
            "HTTP/1.1 200 OK\r\n" + String(repeating: "X: \(String(repeating: "x", count: 1000))\r\n", count: 300),
            .malformed
        ),
        ("", .reset), ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc", .truncated),
    ]) func tellsBrokenAnswersApart(answer: String, code: HTTPError.Code) async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send(answer)
        } body: { client, server in
            let error = await failure { () async throws(HTTPError) in
                try await client.exchange(get(server.url("/path?secret=1")))
            }
            #expect(error?.code == code)
            #expect(error?.wasSent == true)
            #expect(error?.isRetriable == true)
            #expect(error?.message.contains("/path") == true)
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test func aResetIsAReset() async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.reset()
        } body: { client, server in
            let error = await failure { () async throws(HTTPError) in try await client.exchange(get(server.url())) }
            #expect(error?.code == .reset)
        }
    }

    @Test func nothingListens() async throws {
        let server = try RawHTTPServer { _ in }
        server.stop()
        let client = HTTPClient(logger: Logger(label: "test"))
        let error = await failure { () async throws(HTTPError) in try await client.exchange(get(server.url())) }
        #expect(error?.code == .connect)
        #expect(error?.wasSent == false)
        await client.shutdown()
    }

    @Test func unknownNamesDoNotResolve() async throws {
        let client = HTTPClient(logger: Logger(label: "test"))
        let error = await failure { () async throws(HTTPError) in
            try await client.exchange(get("http://no-such-host.invalid/"))
        }
        #expect(error?.code == .resolve)
        #expect(error?.wasSent == false)
        await client.shutdown()
    }

    @Test func noAnswerInTime() async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.waitForClose()
        } body: { client, server in
            let request = get(server.url(), response: .milliseconds(100))
            let exchanged = await failure { () async throws(HTTPError) in try await client.exchange(request) }
            #expect(exchanged?.code == .timeout)
            #expect(exchanged?.wasSent == true)
            let opened = await failure { () async throws(HTTPError) in try await client.open(request) }
            #expect(opened?.code == .timeout)
        }
    }

    @Test func noConnectionInTime() async throws {
        // A TLS handshake nobody answers: connecting includes it.
        try await withClient { connection in
            connection.waitForClose()
        } body: { client, server in
            let request = get("https://127.0.0.1:\(server.port)/", connect: .milliseconds(100))
            let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
            #expect(error?.code == .timeout)
            #expect(error?.wasSent == false)
        }
    }

    @Test func aServerThatTakesNothingStalls() async throws {
        let seen = TestSignal()
        try await withClient { connection in
            guard connection.readRequest(bodyBytes: 0) != nil else { return }
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            seen.waitBlocking()
        } body: { client, server in
            let timeouts = HTTPTimeouts(stall: .milliseconds(200))
            let body = HTTPRequestBody.bytes([UInt8](repeating: 1, count: 64 << 20))
            let request = HTTPRequest(method: .put, url: server.url(), body: body, timeouts: timeouts)
            let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
            #expect(error?.code == .stalled)
            #expect(error?.wasSent == true)
            seen.fire()
        }
    }

    @Test func anIdleClientClosesWhatItKept() async throws {
        let closed = TestSignal()
        try await withClient(HTTPClientConfiguration(idleClose: .milliseconds(50))) { connection in
            while connection.readRequest() != nil { connection.answer() }
            closed.fire()
        } body: { client, server in
            _ = try await client.exchange(get(server.url()))
            await closed.wait()
            let status = try await client.status(get(server.url()))
            #expect(status == 200)
            #expect(server.accepted == 2)
        }
    }

    @Test func cancellingTheTaskClosesTheConnection() async throws {
        let arrived = TestSignal()
        let closed = TestSignal()
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            arrived.fire()
            connection.waitForClose()
            closed.fire()
        } body: { client, server in
            let url = server.url()
            let task = Task { await failure { () async throws(HTTPError) in try await client.exchange(get(url)) } }
            await arrived.wait()
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            await closed.wait()
        }
    }

    @Test func aTaskCancelledBeforeMakesNoConnection() async throws {
        try await withClient { _ in
        } body: { client, server in
            let url = server.url()
            let hold = TestSignal()
            let task = Task {
                await hold.wait()
                return await failure { () async throws(HTTPError) in try await client.exchange(get(url)) }
            }
            task.cancel()
            hold.fire()
            #expect(await task.value?.code == .cancelled)
            #expect(server.accepted == 0)
        }
    }

    @Test func shutdownEndsWhatIsUnderWayAndRefusesMore() async throws {
        let arrived = TestSignal()
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            arrived.fire()
            connection.waitForClose()
        } body: { client, server in
            let url = server.url()
            let task = Task { await failure { () async throws(HTTPError) in try await client.exchange(get(url)) } }
            await arrived.wait()
            await client.shutdown()
            #expect(await task.value?.code == .shutDown)
            let late = await failure { () async throws(HTTPError) in try await client.exchange(get(url)) }
            #expect(late?.code == .shutDown)
            await client.shutdown()
        }
    }

    @Test func lettingGoOfTheClientClosesItsConnections() async throws {
        let closed = TestSignal()
        let server = try RawHTTPServer { connection in
            while connection.readRequest() != nil { connection.answer() }
            closed.fire()
        }
        var client: HTTPClient? = HTTPClient(logger: Logger(label: "test"))
        _ = try await client?.exchange(get(server.url()))
        client = nil
        await closed.wait()
        server.stop()
    }

    @Test func urlsWithUserNamesAreRefused() async throws {
        let client = HTTPClient(logger: Logger(label: "test"))
        let error = await failure { () async throws(HTTPError) in
            try await client.exchange(get("http://user:pw@127.0.0.1/"))
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.description.contains("pw@") == false)
        await client.shutdown()
    }
}
