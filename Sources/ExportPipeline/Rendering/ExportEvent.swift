// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An event about a command, complete but for the exchange it goes to; it is published persistent and mandatory.
package struct ExportEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case completed, failed, started, progress

        /// The routing key, for example `nlu.export.completed`.
        package var routingKey: String { "nlu.export.\(rawValue)" }
        /// The CloudEvents type, for example `com.cognigy.nlu.export.completed`.
        package var cloudEventType: String { "com.cognigy.nlu.export.\(rawValue)" }
        /// The `event` member of the body, for example `nlu_model_export_completed`.
        package var name: String { "nlu_model_export_\(rawValue)" }
    }

    package let kind: Kind
    /// `message_id` and `ce-id`: a UUID of version 8 that follows from run and kind, and from the sequence of progress.
    package let id: String
    /// The command's, where it had one.
    package let correlationID: String?
    /// CloudEvents 1.0 attributes in binary mode (`ce-*`), and `traceparent` where the command had one.
    package let headers: [String: String]
    /// One JSON object without a line break.
    package let body: [UInt8]

    package var routingKey: String { kind.routingKey }
    package var messageID: String { id }
    /// Stands for the CloudEvents attribute `datacontenttype`, as the binary mode has it.
    package var contentType: String { "application/json" }

    /// `events.source` by default.
    package static let defaultSource = "nlu-export-worker"

    /// The final event of a decided command, completed or failed: same outcome and source, same event.
    package init(rendering outcome: Outcome, source: String = defaultSource) {
        let kind = outcome.isSuccess ? Kind.completed : .failed
        self.init(
            kind, id: Self.id(kind, runID: outcome.runID), timestamp: outcome.timestamp, source: source,
            subject: Self.subject(outcome.modelID, outcome.version), correlationID: outcome.correlationID,
            traceparent: outcome.traceparent, data: Self.data(outcome))
    }

    /// A started or progress event.
    package init(_ report: ProgressReport, source: String = defaultSource) {
        let kind: Kind
        let id: String
        switch report.kind {
        case .started:
            kind = .started
            id = Self.id(.started, runID: report.runID)
        case .progress(let sequence):
            kind = .progress
            id = Self.id(.progress, runID: report.runID, sequence: sequence)
        }
        self.init(
            kind, id: id, timestamp: report.timestamp, source: source,
            subject: Self.subject(report.modelID, report.version), correlationID: report.correlationID,
            traceparent: report.traceparent, data: Self.data(report))
    }

    /// The id of a run's final or started event.
    package static func id(_ kind: Kind, runID: String) -> String {
        DerivedIdentifier.uuid("nlu-export-worker", "event", kind.rawValue, runID)
    }

    private static func id(_ kind: Kind, runID: String, sequence: Int) -> String {
        DerivedIdentifier.uuid("nlu-export-worker", "event", kind.rawValue, runID, String(sequence))
    }

    private init(
        _ kind: Kind, id: String, timestamp: Timestamp, source: String, subject: String?, correlationID: String?,
        traceparent: String?, data: JSONObject
    ) {
        self.kind = kind
        self.id = id
        self.correlationID = correlationID
        var headers = [
            "ce-specversion": "1.0", "ce-id": id, "ce-source": source, "ce-type": kind.cloudEventType,
            "ce-time": timestamp.description,
        ]
        headers["ce-subject"] = subject
        headers["traceparent"] = traceparent
        self.headers = headers
        body = JSONWriter.bytes(
            of: JSONObject([
                "event": .string(kind.name), "timestamp": .string(timestamp.description), "data": .object(data),
            ]))
    }
}

extension ExportEvent {
    /// `model/version`, percent-encoded; nil where either is unknown.
    private static func subject(_ modelID: String?, _ version: String?) -> String? {
        guard let modelID, let version else { return nil }
        return "\(PercentEncoding.encode(modelID))/\(PercentEncoding.encode(version))"
    }

    private static func data(_ outcome: Outcome) -> JSONObject {
        let artifact = outcome.isSuccess ? outcome.artifact : nil
        return JSONObject([
            "commandId": outcome.commandID.map(JSONValue.string),
            "tenant": outcome.tenant.map(JSONValue.string),
            "modelId": outcome.modelID.map(JSONValue.string),
            "version": outcome.version.map(JSONValue.string),
            "format": outcome.format.map(JSONValue.string),
            "exportId": outcome.exportID.map(JSONValue.string),
            "jobId": outcome.jobID.map(JSONValue.string),
            "storageLocation": artifact.map { .string($0.location) },
            "artifactSizeBytes": artifact.map { .integer($0.sizeBytes) },
            "artifactSha256": artifact.map { .string($0.sha256) },
            "durationSeconds": .rounded(outcome.durationSeconds),
            "status": outcome.isSuccess ? "SUCCESS" : "FAILURE",
            "error": outcome.failure.map { .object(error($0)) },
        ])
    }

    private static func error(_ failure: Failure) -> JSONObject {
        JSONObject([
            "code": .string(failure.code.rawValue),
            "stage": .string(failure.stage.rawValue),
            "message": .string(failure.message),
            "httpStatus": failure.httpStatus.map(JSONValue.integer),
        ])
    }

    private static func data(_ report: ProgressReport) -> JSONObject {
        let percent = report.percent.isFinite ? min(100, max(0, report.percent)) : 0
        return JSONObject([
            "commandId": .string(report.commandID),
            "tenant": .string(report.tenant),
            "modelId": .string(report.modelID),
            "version": .string(report.version),
            "format": .string(report.format),
            "stage": .string(report.stage.rawValue),
            "percent": .rounded(percent),
            "bytes": .integer(max(0, report.bytes)),
        ])
    }
}
