// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import HTTPTransport
import Testing

@testable import Cognigy

@Suite(.timeLimit(.minutes(1))) struct TenantTests {
    @Test(arguments: [
        "", "api.example.com", "ftp://api.example.com", "https://", "https://u:p@api.example.com",
        "https://api.example.com/?x=1",
    ])
    func refusesBasesThatCannotBeUsed(base: String) {
        #expect {
            try TenantConfiguration(name: "acme", baseURL: base, clientID: "c", clientSecret: .fixed("s"))
        } throws: { error in
            guard let error = error as? CognigyError else { return false }
            return error.code == .invalidURL && error.message.contains("acme") && !error.message.contains("u:p")
        }
    }

    @Test(arguments: [
        ("https://h", "/t", "https://h/t"), ("https://h/", "t", "https://h/t"),
        ("https://h:444/a//", "/t", "https://h:444/a/t"),
        ("https://h/a", "https://login.example.com/t", "https://login.example.com/t"),
    ])
    func findsTheTokenURL(base: String, path: String, url: String) throws {
        let configuration = try TenantConfiguration(
            name: "acme", baseURL: base, clientID: "c", clientSecret: .fixed("s"), tokenPath: path)
        #expect(configuration.tokenURL.string == url)
    }

    @Test func theDirectoryKnowsItsTenants() throws {
        let configurations = try ["b", "a"].map {
            try TenantConfiguration(name: $0, baseURL: "https://h", clientID: "c", clientSecret: .fixed("s"))
        }
        let directory = try TenantDirectory(configurations, transport: ScriptedTransport(), logger: .silent)
        #expect(directory.tenantNames == ["b", "a"])
        #expect(directory.exporter(for: "a") != nil)
        #expect(directory.downloader(for: "b") != nil)
        #expect(directory.exporter(for: "c") == nil)
        #expect(throws: CognigyError.self) {
            try TenantDirectory(configurations + configurations, transport: ScriptedTransport(), logger: .silent)
        }
    }

    @Test func tenantsShareNeitherTokenNorPace() async throws {
        let transport = ScriptedTransport([
            .status(429, headers: ["Retry-After": "60"]), .json(#"{"status": "TRAINED"}"#),
        ])
        let configurations = try ["a", "b"].map {
            try TenantConfiguration(name: $0, baseURL: "https://\($0)", clientID: "c", clientSecret: .fixed("s"))
        }
        let directory = try TenantDirectory(
            configurations, transport: transport, clock: ManualClock().clock, logger: .silent)
        let first = try #require(directory.exporter(for: "a"))
        let second = try #require(directory.exporter(for: "b"))
        _ = await failure { try await first.status(of: Fixture.command, context: Fixture.context) }
        #expect(try await second.status(of: Fixture.command, context: Fixture.context) == .trained)
        #expect(
            transport.tokenRequests.map(\.url).sorted() == [
                "https://a/api/v1/auth/oauth/token", "https://b/api/v1/auth/oauth/token",
            ])
    }

    @Test func aProbeWithoutHistoryIsAFreshTokenThatTheAPITakes() async throws {
        let fixture = try Fixture(
            token: [.token("token-1"), .token("token-2"), .status(401)], [.status(404), .status(403)])
        #expect(try await fixture.tenant.probe() == false)
        #expect(try await fixture.tenant.probe() == false)
        let error = await failure { try await fixture.tenant.probe() }
        #expect(error?.kind == .surroundings(.tenant("acme")))
        #expect(fixture.transport.tokenRequests.count == 3)
        #expect(fixture.transport.apiRequests.count == 2)
        #expect(fixture.transport.apiRequests.allSatisfy { $0.url.contains("/api/v1/jobs/") && $0.method == .get })
    }

    @Test func aProbeWithoutHistoryFindsThatNoTokenIsTaken() async throws {
        let fixture = try Fixture([.status(401), .status(401), .status(302), .status(503)])
        for kind in [StepError.Kind.surroundings(.tenant("acme")), .surroundings(.tenant("acme")), .transient()] {
            #expect(await failure { try await fixture.tenant.probe() }?.kind == kind)
        }
    }

    /// A scope that was taken away shows in new tokens, where the tenant says what they are good for.
    @Test(arguments: [
        (#","scope":"jobs:read nlu:models:export other""#, true), (#","scope":"jobs:read""#, false), ("", true),
    ]) func aProbeMissesAScopeThatWasAskedFor(granted: String, isHealthy: Bool) async throws {
        let answer = #"{"access_token":"token-1","expires_in":3600\#(granted)}"#
        let fixture = try Fixture(token: [.json(answer)], [.status(404)], scope: "nlu:models:export jobs:read")
        let error = await failure { try await fixture.tenant.probe() }
        #expect((error == nil) == isHealthy)
        if let error {
            #expect(error.kind == .surroundings(.tenant("acme")))
            #expect(error.message.contains("nlu:models:export") && !error.message.contains("jobs:read"))
        }
    }

    @Test func aProbeAsksForAVersionThatWasTrained() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)])
        _ = try await fixture.status()
        try await fixture.tenant.probe()
        #expect(Set(fixture.transport.apiRequests.map(\.url)).count == 1)
        #expect(fixture.transport.apiRequests.count == 2)
        for status in [403, 404] {
            fixture.transport.script(.status(status))
            let error = await failure { try await fixture.tenant.probe() }
            #expect(error?.kind == .surroundings(.tenant("acme")))
        }
        fixture.transport.script(.status(503))
        #expect(await failure { try await fixture.tenant.probe() }?.kind == .transient())
    }

    @Test func aDeletedModelDoesNotKeepATenantPaused() async throws {
        let fixture = try Fixture([.json(#"{"status": "TRAINED"}"#)])
        _ = try await fixture.status()
        let other = ExportCommand(commandID: "c", tenant: "acme", modelID: "other", version: "1", format: "ONNX")
        _ = try await fixture.tenant.exporter.status(of: other, context: Fixture.context)
        fixture.transport.script(.status(404), .json(#"{"status": "TRAINED"}"#))
        try await fixture.tenant.probe()
        #expect(fixture.transport.apiRequests.suffix(2).map { $0.url.hasSuffix("other/versions/1") } == [true, false])
    }
}
