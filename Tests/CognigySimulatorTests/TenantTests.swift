// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import CognigySimulator

@Suite struct TenantTests {
    private func fault(_ harness: Harness, _ json: String) -> Reply {
        harness.send("POST", "/_sim/fault", body: json)
    }

    @Test func wholeTenantFaultsAreSwitchedAtRunTime() {
        let harness = Harness()
        let token = harness.token()
        #expect(fault(harness, #"{"tokensRefused":true}"#).status == 200)
        #expect(harness.version("m", token: token).status == 401)
        _ = fault(harness, #"{"tokensRefused":false,"unavailable":true}"#)
        #expect(harness.requestToken().status == 503)
        _ = fault(harness, #"{"unavailable":false,"missingScopes":["jobs:read"]}"#)
        #expect(harness.poll("j", token: token).status == 403)
        _ = fault(harness, #"{"missingScopes":[],"wrongBasePath":true}"#)
        #expect(harness.version("m", token: token).status == 404)
        _ = fault(harness, #"{"wrongBasePath":false,"hanging":true}"#)
        #expect(harness.version("m", token: token).label == "hang")
        _ = fault(harness, #"{"hanging":false}"#)
        #expect(harness.version("m", token: token).status == 200)
    }

    @Test func theSecretMayChange() {
        let harness = Harness()
        let token = harness.token()
        _ = fault(harness, #"{"clientSecret":"new"}"#)
        #expect(harness.requestToken().status == 401)
        #expect(harness.requestToken(secret: "new").status == 200)
        #expect(harness.version("m", token: token).status == 200)
        _ = fault(harness, #"{"clientSecret":null}"#)
        #expect(harness.requestToken().status == 200)
    }

    @Test func misspeltFaultsAreRefusedWhole() {
        let harness = Harness()
        #expect(fault(harness, #"{"hanging":true,"unavailble":true}"#).status == 400)
        #expect(fault(harness, #"{"hanging":"yes"}"#).status == 400)
        #expect(harness.tenant.faults == TenantFaults())
    }

    @Test func rulesCanBeAddedAtRunTime() {
        let harness = Harness()
        let token = harness.token()
        let rule = #"{"rules":[{"match":{"model":"m*"},"behaviour":{"validate":{"faults":[{"status":404}]}}}]}"#
        #expect(harness.send("POST", "/_sim/scenarios", body: rule).status == 200)
        #expect(harness.version("m1", token: token).status == 404)
        #expect(harness.version("other", token: token).status == 200)
        #expect(harness.send("POST", "/_sim/scenarios", body: "{}").status == 400)
    }

    @Test func rulesCanBeForOneClient() {
        let harness = Harness()
        harness.tenant.add(
            Rule(
                match: .init(client: "scenario-ill*"),
                behaviour: Behaviour(validate: ValidateBehaviour(faults: [Fault(status: 500)]))))
        #expect(harness.version("m", token: harness.token()).status == 200)
        #expect(harness.version("m", token: harness.token(client: "scenario-illness")).status == 500)
    }

    @Test func resetForgets() {
        let harness = Harness { $0.rules = [Rule(behaviour: Behaviour(size: ByteSize(7)))] }
        let token = harness.token()
        harness.tenant.faults.unavailable = true
        harness.tenant.add(Rule(behaviour: Behaviour(size: ByteSize(9))))
        #expect(harness.tenant.artifact(model: "m", version: "1").size == 9)
        #expect(harness.send("POST", "/_sim/reset").status == 200)
        #expect(harness.tenant.artifact(model: "m", version: "1").size == 7)
        #expect(harness.version("m", token: token).status == 401)
        #expect(harness.token() != token)
    }

    @Test func theRateIsLimited() {
        let harness = Harness { $0.requestsPerMinute = 2 }
        harness.clock.advance(by: .seconds(70))
        #expect((1...3).map { _ in harness.requestToken().status } == [200, 200, 429])
        #expect(harness.requestToken().header("Retry-After") == "50")
        harness.clock.advance(by: .seconds(50))
        #expect(harness.requestToken().status == 200)
    }

    @Test func theLogIsBounded() {
        let harness = Harness { $0.logLimit = 10 }
        let token = harness.token()
        for number in 0..<100 { _ = harness.version("m\(number)", token: token) }
        let log = harness.tenant.log
        #expect(log.recent.count < 20)
        #expect(log.recent.last?.model == "m99")
        #expect(log.requests["validate"] == 100)
        #expect(log.requestsByModel.count == 10)
    }

    @Test func theLogIsServed() throws {
        let harness = Harness()
        _ = harness.trigger("m", key: "k", token: harness.token())
        let reply = harness.send("GET", "/_sim/log")
        let log = try JSONDecoder().decode(SimulatorLog.self, from: Data(reply.text.utf8))
        #expect(log.triggers == harness.tenant.log.triggers)
        #expect(log.requests == ["token": 1, "trigger": 1])
    }

    @Test func basePathsAreWanted() {
        let harness = Harness { $0.basePath = "/tenant-a" }
        #expect(harness.requestToken().status == 404)
        #expect(harness.send("GET", "/tenant-a/api/v1/jobs/j").status == 401)
        #expect(harness.send("GET", "/_sim/health").status == 200)
    }

    @Test func faultsWithAShareHitSome() {
        let harness = Harness()
        let token = harness.token()
        let faults = [Fault(share: 0.25, status: 500)]
        harness.tenant.add(Rule(behaviour: Behaviour(validate: ValidateBehaviour(faults: faults))))
        let hits = (0..<1000).count { harness.version("m\($0 % 7)", token: token).status == 500 }
        #expect((150..<350).contains(hits))
    }
}
