// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct AuditRecordTests {
    private func text(_ outcome: Outcome) -> String {
        String(decoding: AuditRecord(rendering: outcome).bytes, as: UTF8.self)
    }

    @Test func rendersASuccess() {
        #expect(
            text(RenderingSamples.success())
                == #"{"log_type":"nlu_export_audit","record_id":"5196c31c-ae5a-8bde-bb83-7939058d6317","#
                + #""timestamp":"2026-11-23T01:23:45.678Z","actor":"automation_service","action":"export_model","#
                + #""resource":"nlu:m:1.4.0","tenant":"acme","command_id":"c1","export_id":"e1","job_id":"j1","#
                + #""outcome":"SUCCESS","metrics":{"duration_seconds":12.34,"artifact_size_bytes":123,"#
                + #""artifact_sha256":"\#(String(repeating: "ab", count: 32))","#
                + #""storage_destination":"s3://b/nlu-exports/m/1.4.0/e1.onnx"},"#
                + #""compliance_flags":{"encrypted_at_rest":true,"scope_validated":true,"version_constrained":true},"#
                + #""worker":"host/7","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#)
    }

    @Test func rendersAFailure() {
        #expect(
            text(RenderingSamples.failure())
                == #"{"log_type":"nlu_export_audit","record_id":"5196c31c-ae5a-8bde-bb83-7939058d6317","#
                + #""timestamp":"2026-11-23T01:23:45.678Z","actor":"automation_service","action":"export_model","#
                + #""resource":"nlu:m:1.4.0","tenant":"acme","command_id":"c1","job_id":"j1","outcome":"FAILURE","#
                + #""metrics":{"duration_seconds":12.34},"#
                + #""compliance_flags":{"encrypted_at_rest":false,"scope_validated":true,"version_constrained":true},"#
                + #""error":{"code":"permission_denied","stage":"trigger","message":"the tenant says \"no\""},"#
                + #""worker":"host/7"}"#)
    }

    @Test func leavesOutWhatCouldNotBeRead() {
        let record = text(RenderingSamples.invalid())
        #expect(
            record.contains(#""resource":"nlu:unknown:unknown","outcome":"FAILURE","metrics":{"duration_seconds":0}"#))
    }

    @Test func keepsThePartsOfTheResourceApart() throws {
        var outcome = RenderingSamples.success()
        outcome.modelID = "a:b%"
        #expect(text(outcome).contains(#""resource":"nlu:a%3Ab%25:1.4.0""#))
    }

    @Test func putsTheRecordUnderTheDayOfTheOutcome() {
        var outcome = RenderingSamples.success()
        let name = "5196c31c-ae5a-8bde-bb83-7939058d6317.json"
        #expect(AuditRecord(rendering: outcome).key == "audit/2026/11/23/\(name)")
        #expect(AuditRecord(rendering: outcome, prefix: "gov/log").key == "gov/log/2026/11/23/\(name)")
        #expect(AuditRecord(rendering: outcome, prefix: "").key == "2026/11/23/\(name)")
        outcome.auditKey = "elsewhere/x.json"
        #expect(AuditRecord(rendering: outcome, prefix: "gov/").key == "elsewhere/x.json")
    }

    @Test func isTheSameBytesForTheSameOutcomeAndNoOther() {
        let first = AuditRecord(rendering: RenderingSamples.success())
        #expect(AuditRecord(rendering: RenderingSamples.success()) == first)
        var other = RenderingSamples.success()
        other.runID = "run-2"
        #expect(AuditRecord(rendering: other).recordID != first.recordID)
        #expect(AuditRecord.recordID(runID: "run-2") == AuditRecord(rendering: other).recordID)
    }
}
