// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CognigySimulator

@Suite struct JobTests {
    @Test func jobsProgressOverTime() {
        let harness = Harness { $0.jobDuration = .seconds(10) }
        let token = harness.token()
        let job = harness.trigger("m", token: token).json["jobId"]?.string ?? ""
        var seen: [[JSONValue?]] = []
        for _ in 0..<3 {
            let page = harness.poll(job, token: token).json
            seen.append([page["status"], page["progress"]])
            harness.clock.advance(by: .seconds(5))
        }
        #expect(seen == [["PENDING", 0], ["RUNNING", 50], ["COMPLETED", 100]])
        let jobs = harness.tenant.log.jobs
        #expect(jobs[0].polls == 3)
        #expect(harness.poll("no-such-job", token: token).status == 404)
    }

    @Test(arguments: [
        ("job-failed", "FAILED"), ("job-unknown-status", "ARCHIVED"), ("job-stuck-pending", "PENDING"),
        ("job-stuck-running", "RUNNING"), ("job-failed-silently", "FAILED"),
    ])
    func jobsEndAsScenariosSay(scenario: String, status: String) {
        let harness = Harness()
        let token = harness.token()
        let job = harness.finishedJob("scenario-" + scenario, token: token)
        harness.clock.advance(by: .seconds(3000))
        let page = harness.poll(job, token: token).json
        #expect(page["status"] == .string(status))
        #expect(page["downloadUrl"] == nil)
    }

    @Test func errorMessagesMayBeHostile() {
        let harness = Harness()
        let token = harness.token()
        let long = harness.poll(harness.finishedJob("scenario-job-failed-long", token: token), token: token)
        #expect(long.json["errorMessage"]?.string?.utf8.count == 10 << 10)
        let model = "scenario-job-failed-control-characters"
        let hostile = harness.poll(harness.finishedJob(model, token: token), token: token)
        #expect(hostile.json["errorMessage"]?.string?.unicodeScalars.contains("\u{1B}") == true)
        #expect(hostile.json["errorMessage"]?.string?.unicodeScalars.contains("\u{202E}") == true)
    }

    @Test func onlyTheFirstJobIsGone() {
        let harness = Harness()
        let token = harness.token()
        for (scenario, status) in [("job-gone-once", 404), ("job-gone-410-once", 410)] {
            let first = harness.finishedJob("scenario-" + scenario, token: token)
            let second = harness.finishedJob("scenario-" + scenario, token: token)
            #expect((1...3).map { _ in harness.poll(first, token: token).status } == [status, status, status])
            #expect(harness.poll(second, token: token).status == 200)
        }
    }

    @Test func revokedTokensAreReplaceable() {
        let harness = Harness()
        let token = harness.token()
        let job = harness.finishedJob("scenario-poll-revoked-once", token: token)
        #expect((1...3).map { _ in harness.poll(job, token: token).status } == [200, 401, 401])
        #expect(harness.poll(job, token: harness.token()).status == 200)
    }

    @Test func waitsAreAskedForInEveryForm() throws {
        let harness = Harness()
        let token = harness.token()
        func reply(_ form: String) -> Reply {
            harness.poll(harness.finishedJob("scenario-poll-429-\(form)-once", token: token), token: token)
        }
        #expect(reply("seconds").header("Retry-After") == "1")
        #expect(reply("date").header("Retry-After")?.hasSuffix(" GMT") == true)
        let bare = reply("bare")
        #expect(bare.status == 429)
        #expect(bare.header("Retry-After") == nil)
    }

    @Test func connectionsMayGetNoAnswer() {
        let harness = Harness()
        let token = harness.token()
        for transport in [Transport.reset, .close, .hang] {
            let job = harness.finishedJob("scenario-poll-\(transport.rawValue)-once", token: token)
            guard case .noAnswer(transport) = harness.poll(job, token: token).outcome else {
                Issue.record("\(transport) was answered")
                continue
            }
            #expect(harness.poll(job, token: token).status == 200)
        }
    }

    @Test func linksMayBeMissing() {
        let harness = Harness()
        let token = harness.token()
        let job = harness.finishedJob("scenario-link-missing-twice", token: token)
        let links = (1...3).map { _ in harness.poll(job, token: token).json["downloadUrl"] }
        #expect(links[0] == nil && links[1] == nil && links[2] != nil)
    }

    @Test func ownLinkIsOnThePortThatTheClientReached() {
        let harness = Harness()
        let token = harness.token()
        let job = harness.finishedJob("scenario-link-own", token: token)
        let page = harness.send(
            "GET", "/api/v1/jobs/\(job)",
            headers: [("Authorization", "Bearer \(token)"), ("Host", "tenant.example:9000")])
        #expect(page.json["downloadUrl"]?.string?.hasPrefix("http://tenant.example:9000/api/v1/") == true)
    }

    @Test(arguments: [
        ("link-own", "http://tenant.example:8090/api/v1/artifacts/"), ("link-relative", "/api/v1/artifacts/"),
        ("link-signed", "http://tenant.example:8091/artifacts/"), ("link-private-address", "http://10.0.0.1/"),
        ("link-file-scheme", "file:///"),
    ])
    func linksLeadWhereScenariosSay(scenario: String, beginning: String) {
        let harness = Harness()
        let token = harness.token()
        let job = harness.finishedJob("scenario-" + scenario, token: token)
        #expect(harness.poll(job, token: token).json["downloadUrl"]?.string?.hasPrefix(beginning) == true)
    }
}
