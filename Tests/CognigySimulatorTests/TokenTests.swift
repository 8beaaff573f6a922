// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CognigySimulator

@Suite struct TokenTests {
    @Test func goodCredentialsGetAToken() {
        let harness = Harness()
        let reply = harness.requestToken()
        #expect(reply.status == 200)
        #expect(reply.json["expires_in"] == 3600)
        #expect(reply.json["token_type"] == "Bearer")
        #expect(harness.version("m", token: harness.token()).status == 200)
        #expect(harness.tenant.log.tokensIssued == 2)
    }

    @Test func badCredentialsDoNot() {
        let harness = Harness()
        #expect(harness.requestToken(secret: "wrong").status == 401)
        #expect(harness.requestToken(client: "stranger").status == 401)
        #expect(harness.requestToken().status == 200)
        #expect(harness.tenant.log.answers["token 401"] == 2)
    }

    @Test func malformedTokenRequestsAreRefused() {
        let harness = Harness()
        let form = ("Content-Type", "application/x-www-form-urlencoded")
        let path = "/api/v1/auth/oauth/token"
        #expect(harness.send("POST", path, headers: [form], body: "grant_type=password").status == 400)
        #expect(harness.send("POST", path, headers: [("Content-Type", "application/json")], body: "{}").status == 400)
        #expect(harness.send("GET", path).status == 405)
        #expect(harness.requestToken(scope: "jobs:read%20root").json["error"] == "invalid_scope")
    }

    @Test func tokensExpire() {
        let harness = Harness { $0.tokenLifetime = .seconds(30) }
        let token = harness.token()
        harness.clock.advance(by: .seconds(29))
        #expect(harness.version("m", token: token).status == 200)
        harness.clock.advance(by: .seconds(1))
        let reply = harness.version("m", token: token)
        #expect(reply.status == 401)
        #expect(reply.header("WWW-Authenticate")?.contains("invalid_token") == true)
    }

    @Test func clientsChooseWhatIsSaidAboutExpiry() {
        let harness = Harness()
        #expect(harness.requestToken(client: "scenario-token-no-expires-in").json["expires_in"] == nil)
        #expect(harness.requestToken(client: "scenario-token-text-expires-in").json["expires_in"] == "3600")
        #expect(harness.requestToken(client: "scenario-token-tiny").json["expires_in"] == 1)
    }

    @Test func overstatedTokensDieEarly() {
        let harness = Harness()
        let reply = harness.requestToken(client: "scenario-token-overstated")
        #expect(reply.json["expires_in"] == 3600)
        harness.clock.advance(by: .seconds(3))
        #expect(harness.version("m", token: reply.json["access_token"]?.string ?? "").status == 401)
    }

    @Test func clientsChooseFaultsOfTheTokenEndpoint() {
        let harness = Harness()
        #expect(
            (1...3).map { _ in harness.requestToken(client: "scenario-token-401-twice").status } == [401, 401, 200])
        #expect(harness.requestToken(client: "scenario-token-403").status == 403)
        #expect(harness.requestToken(client: "scenario-token-html").text.hasPrefix("<!DOCTYPE html>"))
        #expect(harness.requestToken().status == 200)
    }

    @Test func scopesAreChecked() {
        let harness = Harness()
        let reader = harness.requestToken(scope: "jobs:read").json["access_token"]?.string ?? ""
        let exporter = harness.requestToken(scope: "nlu:models:export").json["access_token"]?.string ?? ""
        #expect(harness.version("m", token: reader).status == 200)
        #expect(harness.trigger("m", token: reader).status == 403)
        let job = harness.trigger("m", token: exporter).json["jobId"]?.string ?? ""
        #expect(harness.poll(job, token: exporter).status == 403)
        #expect(harness.poll(job, token: reader).status == 200)
    }

    @Test func callsWithoutATokenAreRefused() {
        let harness = Harness()
        for path in ["nlu/models/m/versions/1", "jobs/j", "artifacts/j"] {
            #expect(harness.send("GET", "/api/v1/" + path).status == 401)
        }
        #expect(harness.send("POST", "/api/v1/nlu/models/m/exports").status == 401)
    }
}
