// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import Logging
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct LoadTests {
    @Test func aThousandAtOnceOverFewConnections() async throws {
        let configuration = HTTPClientConfiguration(maximumConnectionsPerHost: 8)
        try await withClient(configuration) { connection in
            while let request = connection.readRequest() { connection.answer(body: request.line) }
        } body: { client, server in
            let url = server.url()
            let right = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        // Were the waiting measured, these time-outs would strike.
                        let answer = try? await client.exchange(get("\(url)\(number)", connect: .seconds(5)))
                        return answer?.body == Array("GET /\(number) HTTP/1.1".utf8)
                    }
                }
                return await group.reduce(into: 0) { if $1 { $0 += 1 } }
            }
            #expect(right == 1000)
            #expect(server.mostOpen <= 8)
            #expect(server.requests.count == 1000)
        }
    }

    @Test func waitingForAPlaceIsNoTimeOut() async throws {
        let second = TestSignal()
        let configuration = HTTPClientConfiguration(maximumConnectionsPerHost: 1)
        try await withClient(configuration) { connection in
            while let request = connection.readRequest() {
                if request.line.hasPrefix("GET /slow") { second.waitBlocking() }
                connection.answer(body: request.line)
            }
        } body: { client, server in
            let url = server.url()
            let slow = Task { try await client.status(get("\(url)slow")) }
            let waiting = Task { try await client.status(get("\(url)fast", response: .seconds(2))) }
            let brief = await failure { () async throws(HTTPError) in
                // On another origin nobody waits: this one times out while the other one is still waiting.
                try await client.exchange(get("https://localhost:\(server.port)/", connect: .milliseconds(200)))
            }
            #expect(brief != nil)
            second.fire()
            let status1 = try await slow.value
            #expect(status1 == 200)
            let status2 = try await waiting.value
            #expect(status2 == 200)
        }
    }

    @Test func moreThanItHoldsIsOverload() async throws {
        let arrived = TestSignal()
        let configuration = HTTPClientConfiguration(maximumRequests: 1)
        try await withClient(configuration) { connection in
            guard connection.readRequest() != nil else { return }
            arrived.fire()
            connection.waitForClose()
        } body: { client, server in
            let url = server.url()
            let first = Task { await failure { () async throws(HTTPError) in try await client.exchange(get(url)) } }
            await arrived.wait()
            let second = await failure { () async throws(HTTPError) in try await client.exchange(get(url)) }
            #expect(second?.code == .overloaded)
            #expect(second?.isRetriable == true)
            first.cancel()
            #expect(await first.value?.code == .cancelled)
            // The place is free again a moment after the answer.
            while true {
                let third = Task { await failure { () async throws(HTTPError) in try await client.exchange(get(url)) } }
                third.cancel()
                let code = await third.value?.code
                #expect(code == .cancelled || code == .overloaded)
                if code == .cancelled { break }
            }
        }
    }

    @Test func cancellingThoseWhoWaitFreesTheirPlaces() async throws {
        let arrived = TestSignal()
        let go = TestSignal()
        let configuration = HTTPClientConfiguration(maximumConnectionsPerHost: 1, maximumRequests: 50)
        try await withClient(configuration) { connection in
            while connection.readRequest() != nil {
                arrived.fire()
                go.waitBlocking()
                connection.answer()
            }
        } body: { client, server in
            let url = server.url()
            let first = Task { try await client.status(get(url)) }
            await arrived.wait()
            let others = (0..<49).map { _ in
                Task { await failure { () async throws(HTTPError) in try await client.exchange(get(url)) } }
            }
            for task in others { task.cancel() }
            for task in others { #expect(await task.value?.code == .cancelled) }
            go.fire()
            let status3 = try await first.value
            #expect(status3 == 200)
            for _ in 0..<60 {
                let status = try await client.status(get(url))
                #expect(status == 200)
            }
        }
    }
}
