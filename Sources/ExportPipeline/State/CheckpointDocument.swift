// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

// How checkpoints and outcomes are written: members in order of their names, so that the same value is always the same
// bytes. Every export writes three of these; a general encoder takes several times as long for it.

extension Checkpoint {
    /// The document, nil where a number is not finite.
    var document: JSONObject? {
        guard jobSeconds.isFinite, outcome == nil || outcome?.document != nil else { return nil }
        return JSONObject([
            "attempts": .integer(attempts),
            "claimedAt": .string(claimedAt.description),
            "commandId": .string(commandID),
            "epoch": .integer(epoch),
            "exportId": .text(job?.exportID),
            "fingerprint": .string(fingerprint),
            "jobId": .text(job?.jobID),
            "jobSeconds": job.map { _ in .double(jobSeconds) },
            "messageToken": .string(messageToken),
            "nonce": .string(nonce),
            "outcome": outcome?.document.map(JSONValue.object),
            "owner": .text(owner),
            "replaces": .text(replaces),
            "runId": .string(runID),
            "runs": .integer(runs),
            "schema": .integer(schema),
            "stage": .string(stage.rawValue),
            "tenant": .string(tenant),
            "upload": upload.map {
                .object(JSONObject(["key": .string($0.key), "uploadId": .string($0.uploadID)]))
            },
        ])
    }
}

extension Outcome {
    /// The document, nil where a number is not finite.
    var document: JSONObject? {
        guard durationSeconds.isFinite else { return nil }
        return JSONObject([
            "actor": .string(actor),
            "artifact": artifact.map { .object($0.document) },
            "auditKey": .text(auditKey),
            "commandId": .text(commandID),
            "correlationId": .text(correlationID),
            "durationSeconds": .double(durationSeconds),
            "encryptedAtRest": .bool(encryptedAtRest),
            "exportId": .text(exportID),
            "failure": failure.map { .object($0.document) },
            "format": .text(format),
            "jobId": .text(jobID),
            "modelId": .text(modelID),
            "runId": .string(runID),
            "scopeValidated": .bool(scopeValidated),
            "tenant": .text(tenant),
            "timestamp": .string(timestamp.description),
            "traceparent": .text(traceparent),
            "version": .text(version),
            "versionConstrained": .bool(versionConstrained),
            "worker": .string(worker),
        ])
    }
}

extension StoredArtifact {
    fileprivate var document: JSONObject {
        JSONObject([
            "bucket": .string(bucket), "checksum": .text(checksum), "key": .string(key), "sha256": .string(sha256),
            "sizeBytes": .integer(sizeBytes),
        ])
    }
}

extension Failure {
    fileprivate var document: JSONObject {
        JSONObject([
            "code": .string(code.rawValue), "httpStatus": httpStatus.map(JSONValue.integer),
            "message": .string(message), "stage": .string(stage.rawValue),
        ])
    }
}

extension JSONValue? {
    /// A text, or nothing at all.
    fileprivate static func text(_ text: String?) -> JSONValue? { text.map(JSONValue.string) }
}
