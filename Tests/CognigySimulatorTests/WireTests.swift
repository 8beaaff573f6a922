// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Testing

@testable import CognigySimulator

/// What clients really get, through sockets.
@Suite(.timeLimit(.minutes(2))) struct WireTests {
    /// A simulator, its clock and a token, for the time of a test.
    struct Stage {
        let simulator: Simulator
        let clock: ManualClock
        let client: WireClient
        let downloads: WireClient

        static func run(_ body: (Stage) async throws -> Void) async throws {
            let clock = ManualClock()
            let simulator = try await Simulator.start(SimulatorConfiguration(), clock: clock)
            do {
                try await body(
                    Stage(
                        simulator: simulator, clock: clock, client: WireClient(port: simulator.port),
                        downloads: WireClient(port: simulator.downloadPort)))
            } catch {
                await simulator.stop()
                throw error
            }
            await simulator.stop()
        }

        func json(_ exchange: WireClient.Exchange) throws -> [String: JSONValue] {
            try JSONDecoder().decode([String: JSONValue].self, from: Data(exchange.body))
        }

        func authorization() async throws -> String {
            let form = "grant_type=client_credentials&client_id=simulator-client&client_secret=simulator-secret"
            let reply = try await client.exchange(
                "POST", "/api/v1/auth/oauth/token", headers: ["Content-Type: application/x-www-form-urlencoded"],
                body: form)
            return "Authorization: Bearer " + (try json(reply)["access_token"]?.string ?? "")
        }

        /// Exports a model and returns path and query of its link.
        func link(_ model: String) async throws -> String {
            let authorization = try await authorization()
            let body = "{\"modelId\":\"\(model)\",\"version\":\"1\",\"format\":\"ONNX\"}"
            let job = try await client.exchange(
                "POST", "/api/v1/nlu/models/\(model)/exports",
                headers: [authorization, "Content-Type: application/json"], body: body)
            let id = try json(job)["jobId"]?.string ?? ""
            clock.advance(by: .seconds(5))
            let page = try await client.exchange("GET", "/api/v1/jobs/\(id)", headers: [authorization])
            let url = try #require(json(page)["downloadUrl"]?.string)
            return "/" + url.split(separator: "/", maxSplits: 2)[2]
        }
    }

    @Test func aModelIsExported() async throws {
        try await Stage.run { stage in
            let reply = try await stage.downloads.exchange("GET", stage.link("size-1000000"))
            #expect(reply.status == 200)
            let sha256 = SHA256.hash(data: reply.body).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            #expect(sha256 == ArtifactContent.sha256(model: "size-1000000", version: "1", size: 1_000_000))
            #expect(reply.end == .closed)
        }
    }

    @Test func headsHaveNoBody() async throws {
        try await Stage.run { stage in
            let reply = try await stage.downloads.exchange("HEAD", stage.link("size-1000"))
            #expect(reply.head.contains("Content-Length: 1000"))
            #expect(reply.body.isEmpty)
        }
    }

    @Test func partsAreServed() async throws {
        try await Stage.run { stage in
            let link = try await stage.link("size-1000000")
            let reply = try await stage.downloads.exchange("GET", link, headers: ["Range: bytes=300000-300009"])
            #expect(reply.status == 206)
            let content = ArtifactContent(model: "size-1000000", version: "1", size: 1_000_000)
            #expect(reply.body == content.bytes(300_000..<300_010))
        }
    }

    @Test(arguments: [("truncated", WireClient.End.closed), ("reset", .reset)])
    func transfersBreakOff(damage: String, end: WireClient.End) async throws {
        try await Stage.run { stage in
            let reply = try await stage.downloads.exchange(
                "GET", stage.link("scenario-artifact-\(damage)-size-1000000"))
            #expect(reply.head.contains("Content-Length: 1000000"))
            #expect(reply.body.count <= 500_000)
            #expect(damage == "reset" || reply.body.count == 500_000)
            #expect(reply.end == end)
        }
    }

    @Test func transfersStall() async throws {
        try await Stage.run { stage in
            let link = try await stage.link("scenario-artifact-stalled-size-100000")
            let reply = try await stage.downloads.exchange("GET", link, enough: 50_000)
            #expect(reply.body.count == 50_000)
            #expect(reply.end == .left)
        }
    }

    @Test func tooMuchIsSent() async throws {
        try await Stage.run { stage in
            let reply = try await stage.downloads.exchange("GET", stage.link("scenario-artifact-longer-size-1000"))
            #expect(reply.head.contains("Content-Length: 1000\r\n"))
            #expect(reply.body.count == 1001)
        }
    }

    @Test func chunkedTransfersMayLackTheirEnd() async throws {
        try await Stage.run { stage in
            let terminator = Array("0\r\n\r\n".utf8)
            let whole = try await stage.downloads.exchange("GET", stage.link("scenario-artifact-chunked-size-1000"))
            #expect(whole.head.lowercased().contains("transfer-encoding: chunked"))
            #expect(whole.body.suffix(5) == terminator[...])
            let cut = try await stage.downloads.exchange(
                "GET", stage.link("scenario-artifact-chunked-cut-once-size-1000"))
            #expect(cut.body.suffix(5) != terminator[...])
        }
    }

    @Test(arguments: [("close", WireClient.End.closed), ("reset", .reset)])
    func requestsGetNoAnswer(transport: String, end: WireClient.End) async throws {
        try await Stage.run { stage in
            let authorization = try await stage.authorization()
            let reply = try await stage.client.exchange(
                "GET", "/api/v1/nlu/models/scenario-validate-\(transport)/versions/1", headers: [authorization])
            #expect(reply.head.isEmpty)
            #expect(reply.end == end)
        }
    }

    @Test func aHangingRequestDoesNotHoldUpTheStop() async throws {
        try await Stage.run { stage in
            let requests = stage.simulator.requests()
            stage.simulator.tenant.faults.hanging = true
            let reply = try await stage.client.exchange("GET", "/api/v1/jobs/j") {
                for await request in requests where request.answer == "hang" { break }
                await stage.simulator.stop()
            }
            #expect(reply.head.isEmpty)
        }
    }

    @Test func delaysFollowTheClock() async throws {
        try await Stage.run { stage in
            let fault = Fault(delay: HumanDuration(.seconds(5)), status: 503)
            stage.simulator.add(Rule(behaviour: Behaviour(token: TokenBehaviour(faults: [fault]))))
            let clock = stage.clock
            let reply = try await stage.client.exchange("POST", "/api/v1/auth/oauth/token") {
                while !clock.hasSleepers { await Task.yield() }
                clock.advance(by: .seconds(5))
            }
            #expect(reply.status == 503)
        }
    }

    @Test func aTenantComesBackWithAllItKnew() async throws {
        var configuration = SimulatorConfiguration()
        let first = try await Simulator.start(configuration)
        configuration.port = first.port
        configuration.downloadPort = first.downloadPort
        _ = try await WireClient(port: first.port).exchange("GET", "/api/v1/jobs/j")
        await first.stop()
        let second = try await Simulator.start(first.tenant, configuration)
        #expect(second.baseURL == first.baseURL)
        #expect(second.log.count(.poll) == 1)
        await second.stop()
    }

    @Test func aPortThatIsTakenIsAnError() async throws {
        try await Stage.run { stage in
            var configuration = SimulatorConfiguration()
            configuration.port = stage.simulator.port
            await #expect(throws: (any Error).self) { try await Simulator.start(configuration) }
        }
    }

    @Test func aStartThatFailsLeavesNoPortTaken() async throws {
        var configuration = SimulatorConfiguration()
        let first = try await Simulator.start(configuration)
        await first.stop()
        configuration.port = first.port
        try await Stage.run { stage in
            configuration.downloadPort = stage.simulator.port
            let starting = configuration
            await #expect(throws: (any Error).self) { try await Simulator.start(starting) }
        }
        configuration.downloadPort = 0
        let starting = configuration
        let cancelled = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await Simulator.start(starting)
        }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        let second = try await Simulator.start(configuration)
        #expect(second.port == first.port)
        await second.stop()
    }

    @Test func artifactsAreKnownByTheirHash() async throws {
        try await Stage.run { stage in
            let reply = try await stage.client.exchange("GET", "/_sim/artifact?model=size-1000&version=1")
            let json = try stage.json(reply)
            #expect(json["sha256"]?.string == ArtifactContent.sha256(model: "size-1000", version: "1", size: 1000))
            #expect(json["size"] == 1000)
        }
    }
}
