// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct DownloadTests {
    @Test(arguments: [1, 1000, 16 << 10, 100_000, 5_000_000]) func fillsBuffersInOrder(capacity: Int) async throws {
        let total = capacity == 1 ? 40_000 : 3_000_000
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            connection.sendGenerated(total, blockedAfter: 60_000) {}
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            #expect(download.status == 200)
            #expect(download.contentLength == total)
            let buffer = TransferBuffer(capacity: capacity)
            var offset = 0
            while true {
                buffer.count = 0
                let added = try await download.fill(buffer)
                guard added > 0 else { break }
                #expect(added == min(capacity, total - offset))
                let bytes = buffer.bytes
                #expect(bytes.first == UInt8(offset % 251) && bytes.last == UInt8((offset + added - 1) % 251))
                if capacity > 1 {
                    #expect(bytes.indices.allSatisfy { bytes[$0] == UInt8((offset + $0) % 251) })
                }
                offset += added
            }
            #expect(offset == total)
            #expect(try await download.fill(buffer) == 0)
        }
    }

    @Test func fillAppendsBehindWhatIsThere() async throws {
        try await withClient { connection in
            while connection.readRequest() != nil { connection.answer(body: "world") }
        } body: { client, server in
            let buffer = TransferBuffer(capacity: 100)
            _ = unsafe Array("hello ".utf8).withUnsafeBytes { unsafe buffer.append($0) }
            let download = try await client.open(get(server.url()))
            #expect(try await download.fill(buffer) == 5)
            #expect(buffer.bytes == Array("hello world".utf8))
        }
    }

    @Test func nobodyAskingHoldsTheServerBack() async throws {
        let total = 256 << 20
        let blocked = TestSignal()
        let sent = Mutex(0)
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            connection.sendGenerated(total, blockedAfter: 300) {
                sent.withLock { if $0 == 0 { $0 = connection.sentBytes } }
                blocked.fire()
            }
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            await blocked.wait()
            #expect(sent.withLock { $0 } < 64 << 20)
            let buffer = TransferBuffer(capacity: 1 << 20)
            #expect(try await download.fill(buffer) == 1 << 20)
            var bytes = 1 << 20
            while true {
                buffer.count = 0
                let added = try await download.fill(buffer)
                guard added > 0 else { break }
                bytes += added
            }
            #expect(bytes == total)
        }
    }

    @Test func aPauseIsNoStall() async throws {
        let total = 64 << 20
        let blocked = TestSignal()
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            connection.sendGenerated(total, blockedAfter: 2500) { blocked.fire() }
        } body: { client, server in
            // The server reports that it has been held back for longer than the stall time-out; then we ask again.
            let download = try await client.open(get(server.url(), stall: .seconds(1)))
            let buffer = TransferBuffer(capacity: 1000)
            #expect(try await download.fill(buffer) == 1000)
            await blocked.wait()
            buffer.count = 0
            #expect(try await download.fill(buffer) == 1000)
        }
    }

    @Test func aSilentServerStalls() async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
            connection.waitForClose()
        } body: { client, server in
            let download = try await client.open(get(server.url(), stall: .milliseconds(100)))
            let buffer = TransferBuffer(capacity: 100)
            let error = await failure { () async throws(HTTPError) in try await download.fill(buffer) }
            #expect(error?.code == .stalled)
            #expect(error?.isRetriable == true)
            let again = await failure { () async throws(HTTPError) in try await download.fill(buffer) }
            #expect(again?.code == .stalled || again?.code == .invalidRequest)
        }
    }

    @Test func shorterThanAnnouncedIsTruncated() async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            let error = await failure { () async throws(HTTPError) in try await download.readAll(maximum: 1000) }
            #expect(error?.code == .truncated)
        }
    }

    @Test func bytesBeyondTheAnnouncedLengthAreDropped() async throws {
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n0123456789")
            connection.waitForClose()
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            #expect(try await download.readAll(maximum: 10) == Array("0123".utf8))
        }
    }

    @Test func bodiesOfErrorsCanBeRead() async throws {
        try await withClient { connection in
            while connection.readRequest() != nil { connection.answer("403 Forbidden", body: "expired") }
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            #expect(download.status == 403)
            #expect(try await download.readAll(maximum: 1000) == Array("expired".utf8))
            let other = try await client.open(get(server.url()))
            let error = await failure { () async throws(HTTPError) in try await other.readAll(maximum: 3) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test func aBrokenConnectionFailsTheFill() async throws {
        let go = TestSignal()
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
            go.waitBlocking()
            connection.reset()
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            let buffer = TransferBuffer(capacity: 10)
            #expect(try await download.fill(buffer) == 10)
            go.fire()
            buffer.count = 0
            let error = await failure { () async throws(HTTPError) in try await download.fill(buffer) }
            #expect(error?.code == .reset)
        }
    }

    @Test func cancellingAFillClosesTheConnection() async throws {
        let closed = TestSignal()
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
            connection.waitForClose()
            closed.fire()
        } body: { client, server in
            let download = try await client.open(get(server.url()))
            let buffer = TransferBuffer(capacity: 10)
            #expect(try await download.fill(buffer) == 10)
            let task = Task {
                await failure { () async throws(HTTPError) in try await download.fill(TransferBuffer(capacity: 10)) }
            }
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            await closed.wait()
        }
    }

    @Test func lettingGoOfADownloadClosesTheConnection() async throws {
        let closed = TestSignal()
        try await withClient { connection in
            guard connection.readRequest() != nil else { return }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
            connection.waitForClose()
            closed.fire()
        } body: { client, server in
            _ = try await client.open(get(server.url())).status
            await closed.wait()
        }
    }
}
