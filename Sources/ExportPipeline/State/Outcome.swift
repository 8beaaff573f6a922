// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What was decided about a command, frozen by one conditional write.
///
/// Audit record and event are rendered from this value alone, so they are the same bytes whoever renders them.
package struct Outcome: Sendable, Hashable, Decodable {
    /// The run that decided, or the digest of a message that never became one; record and event ids derive from it.
    package var runID: String
    package var timestamp: Timestamp
    /// From the claim to the decision, in seconds.
    package var durationSeconds: Double
    package var commandID: String?
    package var tenant: String?
    package var modelID: String?
    package var version: String?
    package var format: String?
    package var correlationID: String?
    package var traceparent: String?
    package var jobID: String?
    package var exportID: String?
    /// What was stored and verified; nil for a failure.
    package var artifact: StoredArtifact?
    /// Why it failed; nil for a success.
    package var failure: Failure?
    /// What HEAD reported about encryption at rest.
    package var encryptedAtRest: Bool
    /// The API answered an authorized call for this very model with success.
    package var scopeValidated: Bool
    /// The version that was asked for is the version whose status was checked.
    package var versionConstrained: Bool
    /// The deciding worker as `host/pid`.
    package var worker: String
    /// Who acted, for the audit record.
    package var actor: String
    /// Where the bucket sink keeps the audit record, with its prefix; nil where there is no bucket sink.
    package var auditKey: String?

    package init(
        runID: String, timestamp: Timestamp, durationSeconds: Double, commandID: String?, tenant: String?,
        modelID: String?, version: String?, format: String?, correlationID: String? = nil, traceparent: String? = nil,
        jobID: String? = nil, exportID: String? = nil, artifact: StoredArtifact? = nil, failure: Failure? = nil,
        encryptedAtRest: Bool = false, scopeValidated: Bool = false, versionConstrained: Bool = false,
        worker: String, actor: String,
        auditKey: String? = nil
    ) {
        self.runID = runID
        self.timestamp = timestamp
        self.durationSeconds = durationSeconds
        self.commandID = commandID
        self.tenant = tenant
        self.modelID = modelID
        self.version = version
        self.format = format
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.jobID = jobID
        self.exportID = exportID
        self.artifact = artifact
        self.failure = failure
        self.encryptedAtRest = encryptedAtRest
        self.scopeValidated = scopeValidated
        self.versionConstrained = versionConstrained
        self.worker = worker
        self.actor = actor
        self.auditKey = auditKey
    }

    package var isSuccess: Bool { artifact != nil && failure == nil }
}

extension Outcome {
    enum CodingKeys: String, CodingKey {
        case runID = "runId"
        case timestamp, durationSeconds
        case commandID = "commandId"
        case tenant
        case modelID = "modelId"
        case version, format
        case correlationID = "correlationId"
        case traceparent
        case jobID = "jobId"
        case exportID = "exportId"
        case artifact, failure, encryptedAtRest, scopeValidated, versionConstrained, worker, actor, auditKey
    }
}
