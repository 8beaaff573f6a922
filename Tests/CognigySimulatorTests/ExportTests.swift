// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CognigySimulator

@Suite struct ExportTests {
    @Test func versionsAreTrained() {
        let harness = Harness()
        let reply = harness.version("a%20b", version: "1.0", token: harness.token())
        #expect(reply.json == ["modelId": "a b", "version": "1.0", "status": "TRAINED"])
    }

    @Test(arguments: [
        ("version-draft", ["DRAFT", "DRAFT"]), ("version-training-then-trained", ["TRAINING", "TRAINING", "TRAINED"]),
        ("version-training", ["TRAINING", "TRAINING", "TRAINING", "TRAINING"]),
        ("version-number-status", [JSONValue.integer(7)]), ("version-no-status", [nil, nil]),
    ])
    func versionsGoThroughTheirStates(scenario: String, states: [JSONValue?]) {
        let harness = Harness()
        let token = harness.token()
        #expect(states.map { _ in harness.version("scenario-" + scenario, token: token).json["status"] } == states)
    }

    @Test func trainingTakesTime() {
        let harness = Harness()
        let token = harness.token()
        let model = "scenario-version-training-2s"
        #expect(harness.version(model, token: token).json["status"] == "TRAINING")
        harness.clock.advance(by: .seconds(2))
        #expect(harness.version(model, token: token).json["status"] == "TRAINED")
    }

    @Test func looksAreCountedByVersion() {
        let harness = Harness()
        let token = harness.token()
        let model = "scenario-version-training-then-trained"
        for version in ["1", "2"] {
            let states = (1...3).map { _ in harness.version(model, version: version, token: token).json["status"] }
            #expect(states == ["TRAINING", "TRAINING", "TRAINED"])
        }
    }

    @Test func exportsStartJobs() throws {
        let harness = Harness()
        let reply = harness.trigger("m", key: "k", token: harness.token())
        #expect(reply.status == 202)
        let job = try #require(harness.tenant.log.jobs.first)
        #expect(reply.json["jobId"] == .string(job.jobID))
        #expect(reply.json["exportId"] == .string(job.exportID))
        let trigger = try #require(harness.tenant.log.triggers.first)
        #expect(trigger.commandID == "command-1")
        #expect(trigger.runID == "run-1")
        #expect(trigger.metadata["environment"] == "test")
        #expect(trigger.idempotencyKey == "k")
        #expect(!trigger.isRepeat)
        #expect(trigger.answer == "202")
    }

    @Test func theSameKeyIsTheSameJob() {
        let harness = Harness()
        let token = harness.token()
        let first = harness.trigger("m", key: "k", token: token)
        let second = harness.trigger("m", key: "k", token: token)
        let other = harness.trigger("m", key: "l", token: token)
        #expect(first.json == second.json)
        #expect(first.json["jobId"] != other.json["jobId"])
        #expect(harness.trigger("m", version: "2", key: "k", token: token).status == 422)
        #expect(harness.tenant.log.triggers.map(\.isRepeat) == [false, true, false, true])
        #expect(harness.tenant.log.jobCount(model: "m") == 2)
    }

    @Test func withoutAKeyEveryExportIsAnother() {
        let harness = Harness()
        let token = harness.token()
        #expect(harness.trigger("m", token: token).json != harness.trigger("m", token: token).json)
        #expect(harness.tenant.log.jobs.map(\.number) == [1, 2])
    }

    @Test func malformedExportsAreRefused() {
        let harness = Harness()
        let token = harness.token()
        let path = "/api/v1/nlu/models/m/exports"
        let headers = [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")]
        #expect(harness.send("POST", path, headers: headers, body: "{").status == 400)
        #expect(
            harness.send("POST", path, headers: headers, body: #"{"modelId":"x","version":"1","format":"ONNX"}"#).status
                == 400)
        #expect(harness.send("POST", path, headers: [headers[0]], body: "{}").status == 415)
        #expect(harness.trigger("m", format: "TAPE", token: token).status == 422)
        #expect(harness.tenant.log.jobs.isEmpty)
    }

    @Test func lostAnswersLeaveAJobBehind() {
        let harness = Harness()
        let token = harness.token()
        let model = "scenario-trigger-lost-500-once"
        #expect(harness.trigger(model, key: "k", token: token).status == 500)
        #expect(harness.tenant.log.jobs.count == 1)
        let reply = harness.trigger(model, key: "k", token: token)
        #expect(reply.json["jobId"] == .string(harness.tenant.log.jobs[0].jobID))
        #expect(harness.tenant.log.jobs.count == 1)
    }

    @Test func refusedTriggersLeaveNothingBehind() {
        let harness = Harness()
        let token = harness.token()
        let model = "scenario-trigger-503-twice"
        #expect((1...3).map { _ in harness.trigger(model, key: "k", token: token).status } == [503, 503, 202])
        #expect(harness.tenant.log.jobs.count == 1)
        #expect(harness.tenant.log.triggers.map(\.jobID) == [nil, nil, harness.tenant.log.jobs[0].jobID])
    }

    @Test func anAnswerWithoutJobIdStillStartedAJob() {
        let harness = Harness()
        let reply = harness.trigger("scenario-trigger-no-job-id-once", key: "k", token: harness.token())
        #expect(reply.status == 202)
        #expect(reply.json["jobId"] == nil)
        #expect(harness.tenant.log.jobs.count == 1)
    }
}
