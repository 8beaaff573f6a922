// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import HTTPTransport
import Testing

@testable import Cognigy

@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    @Test func everyCallCarriesTokenAndContext() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)], apiKey: Fixture.apiKey)
        _ = try await fixture.status()
        let request = try #require(fixture.transport.apiRequests.first)
        let expected = [
            ("Authorization", "Bearer token-1"), ("X-API-Key", Fixture.apiKey), ("Accept", "application/json"),
            ("Content-Type", "application/json"), ("traceparent", Fixture.context.traceparent),
            ("tracestate", "vendor=1"), ("X-Correlation-ID", "corr-1"), ("Idempotency-Key", nil),
        ]
        for (name, value) in expected { #expect(request.headers[name] == value, "\(name)") }
        #expect(request.method == .get)
        #expect(request.url == "https://api.example.com/base/api/v1/nlu/models/model%201%2F%C3%BC/versions/1.4.0")
        #expect(request.maximumResponseBytes == 1 << 20)
        #expect(request.timeouts.response == .seconds(10))
    }

    @Test func aContextThatNoHeaderMayHoldIsLeftOut() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)])
        let context = CallContext(
            commandID: "c", traceparent: "garbage", tracestate: "a=b", correlationID: "x\r\nAuthorization: y")
        _ = try await fixture.tenant.exporter.status(of: Fixture.command, context: context)
        let headers = try #require(fixture.transport.apiRequests.first).headers
        #expect(headers["traceparent"] == nil)
        #expect(headers["tracestate"] == nil)
        #expect(headers["X-Correlation-ID"] == nil)
    }

    @Test func aRefusedTokenIsReplacedOnce() async throws {
        let fixture = try Fixture(
            token: [.token("token-1"), .token("token-2")], [.status(401), .json(#"{"status": "TRAINED"}"#)])
        #expect(try await fixture.status() == .trained)
        let bearers = fixture.transport.apiRequests.map { $0.headers["Authorization"] }
        #expect(bearers == ["Bearer token-1", "Bearer token-2"])
    }

    @Test func aSecondRefusalIsAFaultOfTheSurroundings() async throws {
        let fixture = try Fixture([.json(#"{"message": "who are you"}"#, status: 401)])
        let error = try #require(await failure { try await fixture.trigger() })
        #expect(error.kind == .surroundings(.tenant("acme")))
        #expect(error.httpStatus == 401)
        #expect(error.message.contains("who are you"))
        #expect(fixture.transport.apiRequests.count == 2)
        #expect(fixture.transport.tokenRequests.count == 2)
        // Not sticky: the next call asks for a token again.
        fixture.transport.script(.json(#"{"status": "TRAINED"}"#))
        #expect(try await fixture.status() == .trained)
        #expect(fixture.transport.tokenRequests.count == 3)
    }

    @Test func refusalsAtOnceAreOneRefresh() async throws {
        let transport = RefusingTransport(callers: 20)
        let configuration = try TenantConfiguration(
            name: "acme", baseURL: "https://api.example.com", clientID: "c", clientSecret: .fixed("secret"))
        let tenant = Tenant(configuration, transport: transport, clock: ManualClock().clock, logger: .silent)
        let callers = (0..<20).map { _ in
            Task { try await tenant.exporter.status(of: Fixture.command, context: Fixture.context) }
        }
        for caller in callers { #expect(try await caller.value == .trained) }
        #expect(transport.tokenRequests == 2)
    }

    @Test func a429SlowsTheWholeTenantDown() async throws {
        let fixture = try Fixture([.status(429, headers: ["Retry-After": "8"]), .json(#"{"status": "TRAINED"}"#)])
        let error = await failure { try await fixture.poll() }
        #expect(error?.kind == .throttled(retryAfter: .seconds(8)))
        let others = (0..<3).map { _ in Task { try await fixture.status() } }
        await fixture.manual.waitForSleepers(3)
        #expect(fixture.transport.apiRequests.count == 1)
        fixture.manual.advance(by: .seconds(10))
        for other in others { #expect(try await other.value == .trained) }
    }

    @Test(
        arguments: [
            (["Retry-After": "7"], .seconds(7)), (["Retry-After": "86400"], .seconds(300)),
            (["Retry-After": "Sun, 06 Nov 1994 08:49:57 GMT"], .seconds(20)),
            (["Retry-After": "Sunday, 06-Nov-94 08:49:57 GMT"], .seconds(20)),
            (["Retry-After": "Sun Nov  6 08:49:57 1994"], .seconds(20)), (["Retry-After": "later"], nil), ([:], nil),
        ] as [(HTTPHeaders, Duration?)])
    func throttledNamesTheWait(headers: HTTPHeaders, wait: Duration?) async throws {
        for call in ["status", "trigger", "poll"] {
            let fixture = try Fixture([.status(429, headers: headers)])
            let error = await failure {
                switch call {
                case "status": _ = try await fixture.status()
                case "trigger": _ = try await fixture.trigger()
                default: _ = try await fixture.poll()
                }
            }
            #expect(error?.kind == .throttled(retryAfter: wait))
            #expect(error?.httpStatus == 429)
        }
    }

    @Test func keepsTheConfiguredPace() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)], perMinute: 60)
        let call = Task { try await fixture.status() }
        // The call has the first slot; the token request it needs has the second.
        await fixture.manual.waitForSleepers(1)
        fixture.manual.advance(by: .seconds(1))
        #expect(try await call.value == .trained)
    }

    @Test func redirectsOfAPICallsAreNotFollowed() async throws {
        let reply = ScriptedTransport.Reply.status(
            307, headers: ["Location": "https://elsewhere.example.com/path?token=hidden"])
        for call in ["status", "trigger", "poll"] {
            let fixture = try Fixture([reply])
            let error = try #require(
                await failure {
                    switch call {
                    case "status": _ = try await fixture.status()
                    case "trigger": _ = try await fixture.trigger()
                    default: _ = try await fixture.poll()
                    }
                })
            #expect(error.kind == .permanent(.exportRefused))
            #expect(error.message.contains("https://elsewhere.example.com:443"), "\(error.message)")
            #expect(!error.message.contains("hidden") && !error.message.contains("/path"))
            #expect(fixture.transport.apiRequests.count == 1)
        }
    }
}
