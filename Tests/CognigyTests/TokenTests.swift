// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import HTTPTransport
import Synchronization
import Testing

@testable import Cognigy

@Suite(.timeLimit(.minutes(1))) struct TokenTests {
    @Test func asksByFormAndKeepsTheToken() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)], scope: "nlu:models:export jobs:read")
        for _ in 0..<3 { #expect(try await fixture.status() == .trained) }
        let request = try #require(fixture.transport.tokenRequests.first)
        #expect(fixture.transport.tokenRequests.count == 1)
        #expect(request.method == .post)
        #expect(request.url == "https://api.example.com/base/api/v1/auth/oauth/token")
        #expect(request.headers["Content-Type"] == "application/x-www-form-urlencoded")
        #expect(request.headers["Authorization"] == nil)
        #expect(request.timeouts.response == .seconds(10))
        guard case .bytes(let body) = request.body else {
            Issue.record("no body")
            return
        }
        let expected =
            "grant_type=client_credentials&client_id=client+1&client_secret=s3cr3t+%26+more%3D%2B%25"
            + "&scope=nlu%3Amodels%3Aexport+jobs%3Aread"
        #expect(String(decoding: body, as: UTF8.self) == expected)
    }

    @Test(
        arguments: [
            ("3600", .seconds(3540)), ("\"3600\"", .seconds(3540)), ("null", .seconds(3540)),
            ("\"soon\"", .seconds(3540)),
            ("true", .seconds(3540)), ("61", .seconds(1)), ("1e30", .seconds(86_340)),
        ] as [(String, Duration)])
    func isRenewedAMinuteBeforeItExpires(expiresIn: String, keeps: Duration) async throws {
        let fixture = try Fixture(token: [.token("t", expiresIn: expiresIn)], [.json(#"{"status": "TRAINED"}"#)])
        _ = try await fixture.status()
        fixture.manual.advance(by: keeps - .milliseconds(1))
        _ = try await fixture.status()
        #expect(fixture.transport.tokenRequests.count == 1)
        fixture.manual.advance(by: .milliseconds(1))
        _ = try await fixture.status()
        #expect(fixture.transport.tokenRequests.count == 2)
    }

    @Test(arguments: ["60", "30", "0", "-5", "-1e300"])
    func aShortLivedTokenIsUsedOnce(expiresIn: String) async throws {
        let fixture = try Fixture(token: [.token("t", expiresIn: expiresIn)], [.json(#"{"status": "TRAINED"}"#)])
        for count in 1...3 {
            #expect(try await fixture.status() == .trained)
            #expect(fixture.transport.tokenRequests.count == count)
        }
    }

    @Test func aMissingLifetimeIsAnHour() async throws {
        let fixture = try Fixture(token: [.json(#"{"access_token": "t"}"#)], [.json(#"{"status": "TRAINED"}"#)])
        _ = try await fixture.status()
        fixture.manual.advance(by: .seconds(3539))
        _ = try await fixture.status()
        #expect(fixture.transport.tokenRequests.count == 1)
        fixture.manual.advance(by: .seconds(1))
        _ = try await fixture.status()
        #expect(fixture.transport.tokenRequests.count == 2)
    }

    @Test func manyCallersAreOneRequest() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)])
        fixture.transport.holdTokens()
        let callers = (0..<50).map { _ in Task { try await fixture.status() } }
        await fixture.transport.waitForHeld(1)
        fixture.transport.release()
        for caller in callers { #expect(try await caller.value == .trained) }
        #expect(fixture.transport.tokenRequests.count == 1)
        #expect(fixture.transport.apiRequests.count == 50)
    }

    @Test func aCancelledCallerTakesNobodyAlong() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)])
        fixture.transport.holdTokens()
        let first = Task { await failure { try await fixture.status() } }
        await fixture.transport.waitForHeld(1)
        let second = Task { try await fixture.status() }
        first.cancel()
        // The first is back although its token request is still under way.
        let left = await withTaskCancellationHandler {
            await first.value
        } onCancel: {
            fixture.transport.release()
        }
        #expect(left?.kind == .interrupted)
        fixture.transport.release()
        #expect(try await second.value == .trained)
        #expect(fixture.transport.tokenRequests.count == 1)
    }

    @Test func onlyTheTokenThatWasRefusedIsForgotten() async throws {
        let transport = ScriptedTransport(token: [.token("token-1"), .token("token-2"), .token("token-3")])
        let manual = ManualClock()
        let configuration = try TenantConfiguration(
            name: "acme", baseURL: "https://api.example.com", clientID: "c", clientSecret: .fixed("secret"))
        let gate = TenantGate(tenant: "acme", maxRequestsPerMinute: nil, clock: manual.clock)
        let tokens = TokenProvider(
            endpoint: TokenEndpoint(
                configuration: configuration, transport: transport, gate: gate, clock: manual.clock),
            clock: manual.clock, logger: .silent)
        let first = try await tokens.credentials()
        tokens.invalidate(first)
        let second = try await tokens.credentials()
        #expect(second.token == "token-2")
        // The refusal of another call that went out with the first token comes late.
        tokens.invalidate(first)
        #expect(try await tokens.credentials() == second)
        #expect(transport.tokenRequests.count == 2)
    }

    @Test func aFailureIsNotKept() async throws {
        let fixture = try Fixture(
            token: [.status(503), .error(.timeout, wasSent: true), .token("t")], [.json(#"{"status": "TRAINED"}"#)])
        for _ in 0..<2 { #expect(await failure { try await fixture.status() }?.kind == .transient()) }
        #expect(try await fixture.status() == .trained)
    }

    @Test func readsTheSecretAnewForEveryRequest() async throws {
        let reads = Atomic<Int>(0)
        let source = SecretSource { "secret-\(reads.add(1, ordering: .relaxed).newValue)" }
        let fixture = try Fixture(
            token: [.status(401), .token("t")], [.json(#"{"status": "TRAINED"}"#)], secret: source)
        let refused = await failure { try await fixture.status() }
        #expect(refused?.kind == .surroundings(.tenant("acme")))
        #expect(try await fixture.status() == .trained)
        let bodies = fixture.transport.tokenRequests.map { request in
            if case .bytes(let bytes) = request.body { String(decoding: bytes, as: UTF8.self) } else { "" }
        }
        #expect(bodies.map { $0.hasSuffix("secret-1") } == [true, false])
        #expect(bodies.map { $0.hasSuffix("secret-2") } == [false, true])
    }

    @Test func aSecretThatCannotBeReadIsAFaultOfTheSurroundings() async throws {
        struct Missing: Error {}
        for source in [SecretSource { throw Missing() }, .fixed("")] {
            let fixture = try Fixture(secret: source)
            let error = await failure { try await fixture.status() }
            #expect(error?.kind == .surroundings(.tenant("acme")))
            #expect(error?.message.contains("client secret") == true)
            #expect(fixture.transport.requests.isEmpty)
        }
    }

    @Test(
        arguments: [
            (.status(401), .surroundings(.tenant("acme")), "clientSecret"),
            (.status(403), .surroundings(.tenant("acme")), "clientSecret"),
            (.json(#"{"error": "invalid_client"}"#, status: 400), .surroundings(.tenant("acme")), "invalid_client"),
            (.json(#"{"error": "invalid_scope"}"#, status: 400), .surroundings(.tenant("acme")), "invalid_scope"),
            (.status(404), .surroundings(.tenant("acme")), "tokenPath"),
            (.json("{}"), .surroundings(.tenant("acme")), "access_token"),
            (.json(#"{"access_token": 7}"#), .surroundings(.tenant("acme")), "access_token"),
            (.json(#"{"access_token": "a\r\nX: y"}"#), .surroundings(.tenant("acme")), "access_token"),
            (
                .status(302, headers: ["Location": "https://login.example.com/sso?state=hidden"]),
                .surroundings(.tenant("acme")), "https://login.example.com:443"
            ),
            (.status(429, headers: ["Retry-After": "9"]), .throttled(retryAfter: .seconds(9)), "429"),
            (.status(500), .transient(), "500"), (.status(503), .transient(), "503"),
            (.status(408), .transient(), "408"),
            (.html("Log in", status: 200), .transient(), "an HTML page, \"Log in\""),
            (.json("nope"), .transient(), "no JSON"),
            (.error(.timeout, wasSent: true), .transient(), "no luck"), (.error(.connect), .transient(), "no luck"),
            (.error(.resolve), .transient(), "no luck"), (.error(.tooLarge, wasSent: true), .transient(), "no luck"),
            (.error(.tls), .surroundings(.tenant("acme")), "caFile"), (.error(.shutDown), .interrupted, "no luck"),
        ] as [(ScriptedTransport.Reply, StepError.Kind, String)])
    func readsEveryAnswer(reply: ScriptedTransport.Reply, kind: StepError.Kind, hint: String) async throws {
        let fixture = try Fixture(token: [reply])
        let error = try #require(await failure { try await fixture.status() })
        #expect(error.kind == kind)
        #expect(error.message.contains(hint), "\(error.message)")
        #expect(error.message.contains("acme"), "\(error.message)")
        #expect(!error.message.contains("hidden"))
        #expect(fixture.transport.apiRequests.isEmpty)
    }

    @Test func a429OfTheTokenEndpointHoldsTheTenant() async throws {
        let fixture = try Fixture(
            token: [.status(429, headers: ["Retry-After": "4"]), .token("t")], [.json(#"{"status": "TRAINED"}"#)])
        _ = await failure { try await fixture.status() }
        let second = Task { try await fixture.status() }
        await fixture.manual.waitForSleepers(1)
        fixture.manual.advance(by: .seconds(5))
        #expect(try await second.value == .trained)
    }

    @Test func secretsStayOutOfEveryText() async throws {
        let echo = #"{"error_description": "bad secret \#(Fixture.secret) of token-1"}"#
        let fixture = try Fixture(token: [.token("token-1"), .json(echo, status: 401)], [.status(401)])
        let error = try #require(await failure { try await fixture.status() })
        #expect(error.message.contains("bad secret <redacted> of <redacted>"), "\(error.message)")
        let credentials = Credentials(token: "token-1", apiKey: "key", serial: 1)
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(!"\(credentials) \(String(reflecting: credentials)) \(dumped)".contains("token-1"))
        #expect(!"\(SecretSource.fixed("abcd"))".contains("abcd"))
    }
}
