// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import HTTPTransport
import Testing

@testable import Cognigy

@Suite(.timeLimit(.minutes(1))) struct DownloadTests {
    private static let own = "https://api.example.com/files/1"
    private static let foreign = "https://cdn.example.com/a?X-Signature=hidden"

    @Test func theOwnOriginGetsTheCredentials() async throws {
        let fixture = try Fixture([.status(200)], apiKey: Fixture.apiKey)
        let body = try await fixture.open("https://API.example.com:443/files/1")
        #expect(body.status == 200)
        let request = try #require(fixture.transport.apiRequests.first)
        #expect(request.headers["Authorization"] == "Bearer token-1")
        #expect(request.headers["X-API-Key"] == Fixture.apiKey)
        #expect(request.headers["Accept-Encoding"] == "identity")
        #expect(request.headers["traceparent"] == Fixture.context.traceparent)
        let policy = try #require(fixture.transport.redirectPolicies.first)
        #expect(policy.maximum == 5)
        #expect(policy.credentialHeaders.isSuperset(of: ["authorization", "x-api-key", "cookie"]))
    }

    @Test(arguments: [
        foreign, "https://api.example.com:8443/files/1", "https://api.example.com.evil.org/files/1",
        "https://evil.org/?api.example.com", "https://sub.api.example.com/files/1",
    ])
    func anotherOriginGetsNone(url: String) async throws {
        let fixture = try Fixture([.status(200)], apiKey: Fixture.apiKey)
        _ = try await fixture.open(url)
        #expect(fixture.transport.requests.count == 1)
        let secrets = [Fixture.apiKey, Fixture.secret, "token-1", "Bearer"]
        for (name, value) in try #require(fixture.transport.requests.first).headers {
            #expect(!secrets.contains { value.contains($0) }, "\(name)")
        }
    }

    @Test func aRefusedTokenIsReplacedOnceOnTheOwnOrigin() async throws {
        let fixture = try Fixture(token: [.token("token-1"), .token("token-2")], [.status(401), .status(200)])
        _ = try await fixture.open(Self.own)
        #expect(
            fixture.transport.apiRequests.map { $0.headers["Authorization"] } == ["Bearer token-1", "Bearer token-2"])
        #expect(fixture.transport.bodies.map(\.isCancelled) == [true, false])
    }

    @Test func a401ElsewhereSaysNothingAboutTheToken() async throws {
        let elsewhere = ScriptedTransport.Reply.status(401, headers: ["X-Final-URL": Self.foreign])
        for (url, reply) in [(Self.foreign, .status(401)), (Self.own, elsewhere)] {
            let fixture = try Fixture([reply])
            let error = await failure { try await fixture.open(url) }
            #expect(error?.kind == .linkExpired(notFound: false))
            #expect(fixture.transport.apiRequests.count == 1)
        }
    }

    @Test(
        arguments: [
            (.status(201), .unreadable), (.status(204), .unreadable), (.status(206), .unreadable),
            (.status(200, headers: ["Content-Type": "text/html"]), .unreadable),
            (.status(200, headers: ["Content-Encoding": "gzip"]), .unreadable),
            (.status(304), .permanent(.downloadRefused)), (.status(302), .permanent(.downloadRefused)),
            (.status(400), .linkExpired(notFound: false)), (.status(401), .linkExpired(notFound: false)),
            (.status(403), .linkExpired(notFound: false)), (.status(404), .linkExpired(notFound: true)),
            (.status(410), .linkExpired(notFound: true)),
            (.status(429, headers: ["Retry-After": "3"]), .throttled(retryAfter: .seconds(3))),
            (.status(500), .transient()), (.status(503), .transient()),
            (.error(.redirectRefused, wasSent: true), .permanent(.downloadRefused)),
            (.error(.addressRefused), .permanent(.downloadRefused)),
            (.error(.timeout, wasSent: true), .transient()), (.error(.reset, wasSent: true), .transient()),
            (.error(.connect), .transient()), (.error(.resolve), .transient()), (.error(.cancelled), .interrupted),
        ] as [(ScriptedTransport.Reply, StepError.Kind)])
    func readsEveryAnswer(reply: ScriptedTransport.Reply, kind: StepError.Kind) async throws {
        for url in [Self.own, Self.foreign] {
            let fixture = try Fixture([reply])
            let error = try #require(await failure { try await fixture.open(url) })
            #expect(error.kind == kind, "\(error.message)")
            #expect(!error.message.contains("hidden"), "\(error.message)")
            #expect(error.message.contains("of tenant acme"), "\(error.message)")
            #expect(fixture.transport.bodies.allSatisfy { $0.isCancelled })
        }
    }

    @Test func aBrokenCertificateElsewhereIsNoFaultOfTheTenant() async throws {
        let fixture = try Fixture([.error(.tls)])
        #expect(await failure { try await fixture.open(Self.foreign) }?.kind == .transient())
        #expect(await failure { try await fixture.open(Self.own) }?.kind == .surroundings(.tenant("acme")))
    }

    @Test func only429sOfTheOwnOriginHoldTheTenant() async throws {
        let fixture = try Fixture([.status(429, headers: ["Retry-After": "60"]), .status(200)])
        _ = await failure { try await fixture.open(Self.foreign) }
        _ = try await fixture.open(Self.own)
        fixture.transport.script(.status(429, headers: ["Retry-After": "60"]), .status(200))
        _ = await failure { try await fixture.open(Self.own) }
        let held = Task { try await fixture.open(Self.own) }
        await fixture.manual.waitForSleepers(1)
        held.cancel()
        _ = await held.result
    }

    @Test(arguments: [
        "ftp://api.example.com/a", "file:///etc/passwd", "http://api.example.com/files/1", "http://cdn.example.com/a",
        "https://user:pass@cdn.example.com/a", "nonsense",
    ])
    func refusesWhatMustNotBeFollowed(url: String) async throws {
        let fixture = try Fixture([.status(200)])
        let error = try #require(await failure { try await fixture.open(url) })
        #expect(error.kind == .permanent(.downloadRefused), "\(error.message)")
        #expect(!error.message.contains("pass@"))
        #expect(fixture.transport.requests.isEmpty)
    }

    @Test func aTenantWithoutTLSMayNamePlainURLs() async throws {
        let fixture = try Fixture([.status(200)], base: "http://api.example.com")
        #expect(try await fixture.open("http://cdn.example.com/a").status == 200)
    }

    @Test(
        arguments: [
            ("https://api.example.com", .publicOnly(allowing: ["api.example.com", "store.corp"])),
            ("http://127.0.0.1:8080", .any), ("http://localhost:8080", .any), ("http://[::1]:8080", .any),
            ("http://10.1.2.3", .any), ("http://172.31.0.1", .any),
            ("http://172.32.0.1", .publicOnly(allowing: ["172.32.0.1", "store.corp"])),
            ("http://192.168.7.7", .any), ("http://100.100.0.1", .any), ("http://[fd00::7]", .any),
            ("http://[fe80::7]", .any),
            ("http://[::ffff:10.0.0.1]", .any), ("http://simulator:8080", .any), ("http://api.nlu.svc", .any),
            ("https://[2001:db8::1]", .publicOnly(allowing: ["2001:db8::1", "store.corp"])),
            ("https://8.8.8.8", .publicOnly(allowing: ["8.8.8.8", "store.corp"])),
            ("https://local.example.com", .publicOnly(allowing: ["local.example.com", "store.corp"])),
        ] as [(String, AddressPolicy)])
    func privateAddressesAreForPrivateTenants(base: String, policy: AddressPolicy) async throws {
        let fixture = try Fixture([.status(200)], base: base, downloadHosts: ["Store.Corp"])
        _ = try await fixture.open("https://cdn.example.com/a")
        #expect(fixture.transport.requests.first?.addressPolicy == policy)
    }

    @Test(
        arguments: [
            (.truncated, .unreadable), (.reset, .unreadable), (.stalled, .unreadable), (.tooLarge, .unreadable),
            (.malformed, .unreadable), (.timeout, .unreadable), (.cancelled, .interrupted), (.shutDown, .interrupted),
        ] as [(HTTPError.Code, StepError.Kind)])
    func readsErrorsOfTheBody(code: HTTPError.Code, kind: StepError.Kind) throws {
        let error = HTTPError(code: code, message: "after 5 bytes", wasSent: true)
        let result = try Fixture().tenant.downloader.bodyFailure(error, of: Fixture.command)
        #expect(result.kind == kind)
        #expect(result.message.contains("after 5 bytes"))
    }
}
