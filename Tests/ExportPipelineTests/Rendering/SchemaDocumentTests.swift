// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

/// What the code really renders and what must not satisfy a schema, for `SchemaDocuments.folder`.
@Suite(.enabled(if: SchemaDocuments.folder != nil))
struct SchemaDocumentTests {
    @Test func commands() throws {
        for (index, body) in CommandSamples.good.enumerated() {
            #expect(throws: Never.self) { try CommandSamples.accepted(body) }
            try SchemaDocuments.write(Array(body.utf8), "export-command/accepted-\(index)")
        }
        for (index, sample) in CommandSamples.refusedByTheSchemaToo.enumerated() {
            #expect(throws: Never.self) { try CommandSamples.invalid(sample.0) }
            try SchemaDocuments.write(Array(sample.0.utf8), "export-command/refused/\(index)")
        }
    }

    @Test func events() throws {
        let all = [
            ("completed", ExportEvent(rendering: RenderingSamples.success())),
            ("failed", ExportEvent(rendering: RenderingSamples.failure())),
            ("invalid", ExportEvent(rendering: RenderingSamples.invalid())),
            ("started", ExportEvent(RenderingSamples.report(.started))),
            ("progress", ExportEvent(RenderingSamples.report(.progress(sequence: 1)))),
        ]
        for (name, event) in all {
            try SchemaDocuments.write(event.body, "export-event/\(name)")
            try SchemaDocuments.write(
                try SchemaDocuments.changed(event.body, "event", "nlu_model_export_other"),
                "export-event/refused/\(name)-event")
            try SchemaDocuments.write(
                try SchemaDocuments.changed(event.body, "timestamp", "2026-11-23"),
                "export-event/refused/\(name)-timestamp")
            try SchemaDocuments.write(
                try SchemaDocuments.changed(event.body, "data.extra", 1), "export-event/refused/\(name)-extra")
        }
        let completed = all[0].1.body
        let changes: [(String, JSONValue?)] = [
            ("exportId", nil), ("artifactSha256", "xyz"), ("artifactSizeBytes", "123"), ("status", "FAILURE"),
            ("storageLocation", "b/key"), ("error", .object(JSONObject())), ("durationSeconds", -1),
        ]
        for (name, value) in changes {
            try SchemaDocuments.write(
                try SchemaDocuments.changed(completed, "data.\(name)", value), "export-event/refused/completed-\(name)")
        }
        try SchemaDocuments.write(
            try SchemaDocuments.changed(all[1].1.body, "data.error.code", "other"), "export-event/refused/failed-code")
        try SchemaDocuments.write(
            try SchemaDocuments.changed(all[1].1.body, "data.error", nil), "export-event/refused/failed-without-error")
        try SchemaDocuments.write(
            try SchemaDocuments.changed(all[4].1.body, "data.percent", 101), "export-event/refused/progress-percent")
    }

    @Test func everyCodeAndStage() throws {
        for code in FailureCode.allCases {
            for stage in Stage.allCases {
                var outcome = RenderingSamples.failure()
                outcome.failure = Failure(code: code, stage: stage, message: "why")
                let name = "\(code.rawValue)-\(stage.rawValue)"
                try SchemaDocuments.write(ExportEvent(rendering: outcome).body, "export-event/\(name)")
                try SchemaDocuments.write(AuditRecord(rendering: outcome).bytes, "audit-record/\(name)")
            }
        }
    }

    @Test func auditRecords() throws {
        let success = AuditRecord(rendering: RenderingSamples.success()).bytes
        let failure = AuditRecord(rendering: RenderingSamples.failure()).bytes
        try SchemaDocuments.write(success, "audit-record/success")
        try SchemaDocuments.write(failure, "audit-record/failure")
        try SchemaDocuments.write(AuditRecord(rendering: RenderingSamples.invalid()).bytes, "audit-record/invalid")
        let changes: [(String, JSONValue?)] = [
            ("log_type", "other"), ("record_id", "1"), ("resource", "m:1"), ("outcome", "FAILURE"), ("actor", ""),
            ("metrics.artifact_sha256", nil), ("compliance_flags.encrypted_at_rest", "true"), ("trace_id", "0"),
            ("x", 1),
        ]
        for (name, value) in changes {
            try SchemaDocuments.write(
                try SchemaDocuments.changed(success, name, value), "audit-record/refused/success-\(name)")
        }
        try SchemaDocuments.write(
            try SchemaDocuments.changed(failure, "error", nil), "audit-record/refused/failure-without-error")
        try SchemaDocuments.write(
            try SchemaDocuments.changed(failure, "error.stage", "later"), "audit-record/refused/failure-stage")
    }
}
