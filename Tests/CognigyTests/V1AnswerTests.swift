// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import HTTPTransport
import Testing

@testable import Cognigy

/// One test for each column of the failure policy that concerns the export API, each row an argument.
@Suite struct V1AnswerTests {
    @Test(
        arguments: [
            (#"{"status": "TRAINED", "extra": [1]}"#, .trained),
            (#"{"status": "TRAINING"}"#, .trainingUnderWay("TRAINING")),
            (#"{"status": "PENDING"}"#, .trainingUnderWay("PENDING")),
            (#"{"status": "QUEUED"}"#, .trainingUnderWay("QUEUED")),
            (#"{"status": "RUNNING"}"#, .trainingUnderWay("RUNNING")),
            (#"{"status": "IN_PROGRESS"}"#, .trainingUnderWay("IN_PROGRESS")),
            (#"{"status": "trained"}"#, .notTrained("trained")),
            (#"{"status": "FAI\u0007LED"}"#, .notTrained("FAI LED")),
            (#"{"status": ""}"#, .notTrained(nil)), (#"{"status": 7}"#, .notTrained(nil)),
            (#"{"status": null}"#, .notTrained(nil)), ("{}", .notTrained(nil)), ("[]", .notTrained(nil)),
        ] as [(String, VersionStatus)])
    func readsTheVersionStatus(json: String, status: VersionStatus) async throws {
        #expect(try await Fixture([.json(json)]).status() == status)
    }

    @Test func cutsALongStatus() async throws {
        let fixture = try Fixture([.json(#"{"status": "\#(String(repeating: "x", count: 5000))"}"#)])
        guard case .notTrained(let name?) = try await fixture.status() else {
            Issue.record("no name")
            return
        }
        #expect(name.utf8.count <= 64)
    }

    @Test(
        arguments: [
            (.status(403), .permanent(.permissionDenied)), (.status(404), .permanent(.modelNotFound)),
            (.status(410), .permanent(.modelNotFound)),
            (.html("Blocked", status: 403), .transient(limit: 5, thenFailsWith: .permissionDenied)),
            (.html("Not here", status: 404), .transient(limit: 5, thenFailsWith: .modelNotFound)),
            (.status(400), .transient(limit: 5, thenFailsWith: .exportRefused)),
            (.status(405), .transient(limit: 5, thenFailsWith: .exportRefused)),
            (.status(408), .transient()), (.status(500), .transient()), (.status(502), .transient()),
            (.html("Bad gateway", status: 502), .transient()), (.html("Welcome", status: 200), .transient()),
            (.json("not json"), .transient()), (.json(#"{"status": "TRAINED", "status": "FAILED"}"#), .transient()),
            (.status(204), .transient()), (.error(.timeout, wasSent: true), .transient()),
            (.error(.reset, wasSent: true), .transient()), (.error(.truncated, wasSent: true), .transient()),
            (.error(.malformed, wasSent: true), .transient()), (.error(.tooLarge, wasSent: true), .transient()),
            (.error(.connect), .transient()), (.error(.resolve), .transient()), (.error(.overloaded), .transient()),
            (.error(.tls), .surroundings(.tenant("acme"))), (.error(.cancelled, wasSent: true), .interrupted),
            (.error(.shutDown), .interrupted),
        ] as [(ScriptedTransport.Reply, StepError.Kind)])
    func readsWhatElseTheVersionAnswers(reply: ScriptedTransport.Reply, kind: StepError.Kind) async throws {
        let fixture = try Fixture([reply])
        let error = try #require(await failure { try await fixture.status() })
        #expect(error.kind == kind, "\(error.message)")
        #expect(error.message.contains("model model 1/ü version 1.4.0 at tenant acme"), "\(error.message)")
    }

    @Test func sendsTheTriggerAsAgreed() async throws {
        let fixture = try Fixture([.json(#"{"jobId": "job-1", "exportId": "exp-1"}"#, status: 202)])
        #expect(try await fixture.trigger() == ExportJob(jobID: "job-1", exportID: "exp-1"))
        let request = try #require(fixture.transport.apiRequests.first)
        #expect(request.method == .post)
        #expect(request.url == "https://api.example.com/base/api/v1/nlu/models/model%201%2F%C3%BC/exports")
        #expect(request.headers["Idempotency-Key"] == "run-1")
        #expect(request.timeouts.response == .seconds(15))
        guard case .bytes(let body) = request.body else {
            Issue.record("no body")
            return
        }
        let expected =
            #"{"modelId":"model 1/ü","version":"1.4.0","format":"ONNX","metadata":{"environment":"production","#
            + #""runId":"run-1","exported_by":"automation_service","commandId":"cmd-1"}}"#
        #expect(String(decoding: body, as: UTF8.self) == expected)
    }

    @Test(
        arguments: [
            (.status(403), .permanent(.permissionDenied)), (.status(404), .permanent(.modelNotFound)),
            (.html("Blocked", status: 403), .transient(limit: 5, thenFailsWith: .permissionDenied)),
            (.status(400), .permanent(.exportRefused)), (.status(409), .permanent(.exportRefused)),
            (.status(413), .permanent(.exportRefused)), (.status(422), .permanent(.exportRefused)),
            (.status(405), .permanent(.exportRefused)), (.status(451), .permanent(.exportRefused)),
            (.status(408), .ambiguous), (.status(500), .ambiguous), (.status(502), .ambiguous),
            (.html("Gateway time-out", status: 504), .ambiguous),
            (.html("Welcome", status: 200), .ambiguous), (.status(202), .ambiguous), (.json("{}"), .ambiguous),
            (.json(#"{"jobId": "j"}"#), .ambiguous), (.json(#"{"exportId": "e"}"#), .ambiguous),
            (.json(#"{"jobId": 7, "exportId": "e"}"#), .ambiguous),
            (.json(#"{"jobId": "", "exportId": "e"}"#), .ambiguous),
            (.json(#"{"jobId": "..", "exportId": "e"}"#), .ambiguous),
            (.json(#"{"jobId": "j", "exportId": "a/b"}"#), .ambiguous),
            (.error(.timeout, wasSent: true), .ambiguous), (.error(.reset, wasSent: true), .ambiguous),
            (.error(.tooLarge, wasSent: true), .ambiguous), (.error(.malformed, wasSent: true), .ambiguous),
            (.error(.timeout), .transient()), (.error(.connect), .transient()), (.error(.resolve), .transient()),
            (.error(.tls), .surroundings(.tenant("acme"))), (.error(.cancelled, wasSent: true), .interrupted),
        ] as [(ScriptedTransport.Reply, StepError.Kind)])
    func readsWhatElseTheTriggerAnswers(reply: ScriptedTransport.Reply, kind: StepError.Kind) async throws {
        let fixture = try Fixture([reply])
        let error = try #require(await failure { try await fixture.trigger() })
        #expect(error.kind == kind, "\(error.message)")
        #expect(error.message.contains("acme") && error.message.contains("model 1/ü"), "\(error.message)")
        #expect(fixture.transport.apiRequests.count == 1)
    }

    @Test func saysWhatTheTenantSaid() async throws {
        let body = #"{"error": {"message": "format CBOR\u202E is unknown"}}"#
        let fixture = try Fixture([.json(body, status: 422)])
        let error = try #require(await failure { try await fixture.trigger() })
        #expect(error.message.contains(#"422 ("format CBOR is unknown")"#), "\(error.message)")
        #expect(error.httpStatus == 422)
    }

    @Test(
        arguments: [
            (#"{"status": "PENDING"}"#, .underWay(percent: 0)),
            (#"{"status": "RUNNING", "progress": 42.5}"#, .underWay(percent: 42.5)),
            (#"{"status": "RUNNING", "progress": 1e9}"#, .underWay(percent: 100)),
            (#"{"status": "RUNNING", "progress": -3}"#, .underWay(percent: 0)),
            (#"{"status": "RUNNING", "progress": "half"}"#, .underWay(percent: 0)),
            (#"{"status": "COMPLETED"}"#, .completed(nil)),
            (#"{"status": "COMPLETED", "downloadUrl": ""}"#, .completed(nil)),
            (#"{"status": "COMPLETED", "downloadUrl": 7}"#, .completed(nil)),
            (
                #"{"status": "COMPLETED", "downloadUrl": "/files/1?sig=x"}"#,
                .completed(DownloadLink(url: "https://api.example.com/files/1?sig=x"))
            ),
            (
                #"{"status": "COMPLETED", "downloadUrl": "https://cdn.example.com/a?sig=%2B"}"#,
                .completed(DownloadLink(url: "https://cdn.example.com/a?sig=%2B"))
            ),
            (#"{"status": "FAILED", "errorMessage": "out of\nmemory"}"#, .failed(message: "out of memory")),
            (#"{"status": "FAILED"}"#, .failed(message: "the tenant gave no reason")),
            (
                #"{"status": "FAILED", "errorMessage": "token-1 at https://h/a?sig=1"}"#,
                .failed(message: "<redacted> at https://h/a?<redacted>")
            ),
            (#"{"status": "CANCELLED"}"#, .unknown("CANCELLED")), (#"{"status": ""}"#, .unknown("(empty)")),
            (#"{"status": 3}"#, .unknown("(a number, not a string)")), ("{}", .unknown("(none)")),
            ("[]", .unknown("(none)")),
        ] as [(String, JobStatus)])
    func readsTheJobStatus(json: String, status: JobStatus) async throws {
        let fixture = try Fixture(token: [.token("token-1")], [.json(json)])
        #expect(try await fixture.poll() == status)
        #expect(fixture.transport.apiRequests.first?.url == "https://api.example.com/base/api/v1/jobs/job%207")
    }

    @Test(
        arguments: [
            (.status(404), .gone), (.status(410), .gone), (.html("Not here", status: 404), .transient()),
            (.status(400), .transient(limit: 5, thenFailsWith: .exportFailed)),
            (.status(403), .transient(limit: 5, thenFailsWith: .exportFailed)),
            (.status(409), .transient(limit: 5, thenFailsWith: .exportFailed)),
            (.status(500), .transient()), (.status(503), .transient()), (.html("Welcome", status: 200), .transient()),
            (.json("{"), .transient()), (.status(200), .transient()), (.error(.timeout, wasSent: true), .transient()),
            (.error(.connect), .transient()), (.error(.tls), .surroundings(.tenant("acme"))),
        ] as [(ScriptedTransport.Reply, StepError.Kind)])
    func readsWhatElseThePollAnswers(reply: ScriptedTransport.Reply, kind: StepError.Kind) async throws {
        let fixture = try Fixture([reply])
        let error = try #require(await failure { try await fixture.poll() })
        #expect(error.kind == kind, "\(error.message)")
        #expect(error.message.contains("export job job 7 at tenant acme"), "\(error.message)")
    }
}
