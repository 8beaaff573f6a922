// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The governance record of one decided command, rendered from its frozen outcome: same outcome, same bytes.
package struct AuditRecord: Sendable, Hashable {
    /// A UUID that follows from the run, so that a repeat is known as one.
    package let recordID: String
    /// Where the bucket sink keeps it: `audit/yyyy/mm/dd/<record_id>.json`, or what the outcome froze.
    package let key: String
    /// One JSON object without a line break.
    package let bytes: [UInt8]

    /// Renders an outcome; `prefix` (ending in `/`) counts only where the outcome froze no key.
    package init(rendering outcome: Outcome, prefix: String = AuditRecord.defaultPrefix) {
        recordID = Self.recordID(runID: outcome.runID)
        key = outcome.auditKey ?? Self.key(runID: outcome.runID, timestamp: outcome.timestamp, prefix: prefix)
        bytes = JSONWriter.bytes(of: Self.document(outcome, recordID: recordID))
    }

    /// `audit.s3.prefix` by default.
    package static let defaultPrefix = "audit/"

    /// The record id of a run: a UUID of version 8 from SHA-256 (see `DerivedIdentifier`).
    package static func recordID(runID: String) -> String {
        DerivedIdentifier.uuid("nlu-export-worker", "audit", runID)
    }

    /// The key of a run's record, for the outcome that is about to be frozen; the date is the timestamp's in UTC.
    package static func key(runID: String, timestamp: Timestamp, prefix: String = defaultPrefix) -> String {
        let day = timestamp.description.prefix(10).split(separator: "-").joined(separator: "/")
        let folder = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
        return "\(folder)\(day)/\(recordID(runID: runID)).json"
    }

    private static func document(_ outcome: Outcome, recordID: String) -> JSONObject {
        JSONObject([
            "log_type": "nlu_export_audit",
            "record_id": .string(recordID),
            "timestamp": .string(outcome.timestamp.description),
            "actor": .string(outcome.actor),
            "action": "export_model",
            "resource": .string(resource(outcome)),
            "tenant": outcome.tenant.map(JSONValue.string),
            "command_id": outcome.commandID.map(JSONValue.string),
            "export_id": outcome.exportID.map(JSONValue.string),
            "job_id": outcome.jobID.map(JSONValue.string),
            "outcome": outcome.isSuccess ? "SUCCESS" : "FAILURE",
            "metrics": .object(metrics(outcome)),
            "compliance_flags": .object(flags(outcome)),
            "error": outcome.failure.map { .object(error($0)) },
            "worker": .string(outcome.worker),
            "trace_id": TraceContext.traceID(of: outcome.traceparent).map(JSONValue.string),
        ])
    }

    /// `nlu:<model>:<version>`, `unknown` for what could not be read; a colon or percent sign inside an id is
    /// percent-encoded, so that the three parts can be told apart.
    private static func resource(_ outcome: Outcome) -> String {
        let parts = [outcome.modelID, outcome.version].map { part in
            (part ?? "unknown").map { $0 == ":" ? "%3A" : $0 == "%" ? "%25" : String($0) }.joined()
        }
        return "nlu:" + parts.joined(separator: ":")
    }

    private static func metrics(_ outcome: Outcome) -> JSONObject {
        let artifact = outcome.isSuccess ? outcome.artifact : nil
        return JSONObject([
            "duration_seconds": .rounded(outcome.durationSeconds),
            "artifact_size_bytes": artifact.map { .integer($0.sizeBytes) },
            "artifact_sha256": artifact.map { .string($0.sha256) },
            "storage_destination": artifact.map { .string($0.location) },
        ])
    }

    private static func flags(_ outcome: Outcome) -> JSONObject {
        JSONObject([
            "encrypted_at_rest": .bool(outcome.encryptedAtRest),
            "scope_validated": .bool(outcome.scopeValidated),
            "version_constrained": .bool(outcome.versionConstrained),
        ])
    }

    private static func error(_ failure: Failure) -> JSONObject {
        JSONObject([
            "code": .string(failure.code.rawValue),
            "stage": .string(failure.stage.rawValue),
            "message": .string(failure.message),
        ])
    }
}
