// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import ExportPipeline

/// Writes what the code really renders to the folder that `NLU_TEST_DOCUMENTS` names, as `<schema>/<name>.json`, and
/// what must not satisfy the schema as `<schema>/refused/<name>.json`; a script holds them against config/schemas.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["NLU_TEST_DOCUMENTS"]?.isEmpty == false))
struct SchemaDocumentTests {
    private func write(_ bytes: [UInt8], _ path: String) throws {
        let root = try #require(ProcessInfo.processInfo.environment["NLU_TEST_DOCUMENTS"])
        let file = URL(filePath: root).appending(path: path + ".json")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        #expect(try Data(contentsOf: file) == Data(bytes))
    }

    /// `document` with one member changed, given by its path; nil removes it.
    private func changed(_ document: [UInt8], _ path: String, _ value: JSONValue?) throws -> [UInt8] {
        func change(_ object: JSONObject, _ names: ArraySlice<Substring>) -> JSONObject {
            guard let name = names.first.map(String.init) else { return object }
            var result = object
            let inner = object[name]?.object
            result.set(name, names.count == 1 ? value : inner.map { .object(change($0, names.dropFirst())) })
            return result
        }
        let object = try #require(try StrictJSON.parse(document).object)
        let result = change(object, path.split(separator: ".")[...])
        try #require(result != object)
        return JSONWriter.bytes(of: result)
    }

    @Test func commands() throws {
        for (index, body) in CommandSamples.good.enumerated() {
            #expect(throws: Never.self) { try CommandSamples.accepted(body) }
            try write(Array(body.utf8), "export-command/accepted-\(index)")
        }
        for (index, sample) in CommandSamples.refusedByTheSchemaToo.enumerated() {
            #expect(throws: Never.self) { try CommandSamples.invalid(sample.0) }
            try write(Array(sample.0.utf8), "export-command/refused/\(index)")
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
            try write(event.body, "export-event/\(name)")
            try write(try changed(event.body, "event", "nlu_model_export_other"), "export-event/refused/\(name)-event")
            try write(try changed(event.body, "timestamp", "2026-11-23"), "export-event/refused/\(name)-timestamp")
            try write(try changed(event.body, "data.extra", 1), "export-event/refused/\(name)-extra")
        }
        let completed = all[0].1.body
        let changes: [(String, JSONValue?)] = [
            ("exportId", nil), ("artifactSha256", "xyz"), ("artifactSizeBytes", "123"), ("status", "FAILURE"),
            ("storageLocation", "b/key"), ("error", .object(JSONObject())), ("durationSeconds", -1),
        ]
        for (name, value) in changes {
            try write(try changed(completed, "data.\(name)", value), "export-event/refused/completed-\(name)")
        }
        try write(try changed(all[1].1.body, "data.error.code", "other"), "export-event/refused/failed-code")
        try write(try changed(all[1].1.body, "data.error", nil), "export-event/refused/failed-without-error")
        try write(try changed(all[4].1.body, "data.percent", 101), "export-event/refused/progress-percent")
    }

    @Test func auditRecords() throws {
        let success = AuditRecord(rendering: RenderingSamples.success()).bytes
        let failure = AuditRecord(rendering: RenderingSamples.failure()).bytes
        try write(success, "audit-record/success")
        try write(failure, "audit-record/failure")
        try write(AuditRecord(rendering: RenderingSamples.invalid()).bytes, "audit-record/invalid")
        let changes: [(String, JSONValue?)] = [
            ("log_type", "other"), ("record_id", "1"), ("resource", "m:1"), ("outcome", "FAILURE"), ("actor", ""),
            ("metrics.artifact_sha256", nil), ("compliance_flags.encrypted_at_rest", "true"), ("trace_id", "0"), ("x", 1),
        ]
        for (name, value) in changes {
            try write(try changed(success, name, value), "audit-record/refused/success-\(name)")
        }
        try write(try changed(failure, "error", nil), "audit-record/refused/failure-without-error")
        try write(try changed(failure, "error.stage", "later"), "audit-record/refused/failure-stage")
    }
}
