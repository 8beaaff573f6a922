// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline

/// Outcomes of every kind that the rendering tests share.
enum RenderingSamples {
    static let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    /// 2026-11-23T01:23:45.678Z
    static let moment = Timestamp(milliseconds: 1_795_397_025_678)

    static func success() -> Outcome {
        Outcome(
            runID: "run-1", timestamp: moment, durationSeconds: 12.3404, commandID: "c1", tenant: "acme", modelID: "m",
            version: "1.4.0", format: "ONNX", correlationID: "corr", traceparent: traceparent, jobID: "j1",
            exportID: "e1",
            artifact: StoredArtifact(
                bucket: "b", key: "nlu-exports/m/1.4.0/e1.onnx", sizeBytes: 123,
                sha256: String(repeating: "ab", count: 32), checksum: "CRC32C:AAAAAA=="),
            encryptedAtRest: true, scopeValidated: true, versionConstrained: true, worker: "host/7",
            actor: "automation_service")
    }

    static func failure(httpStatus: Int? = 403) -> Outcome {
        var outcome = success()
        outcome.artifact = nil
        outcome.encryptedAtRest = false
        outcome.traceparent = nil
        outcome.correlationID = nil
        outcome.exportID = nil
        outcome.failure = Failure(
            code: .permissionDenied, stage: .trigger, message: "the tenant says \"no\"\n", httpStatus: httpStatus)
        return outcome
    }

    /// Of a message of which nothing could be read.
    static func invalid() -> Outcome {
        Outcome(
            runID: String(repeating: "0f", count: 32), timestamp: moment, durationSeconds: 0, commandID: nil,
            tenant: nil,
            modelID: nil, version: nil, format: nil,
            failure: Failure(code: .invalidCommand, stage: .receive, message: "the body is no acceptable JSON"),
            worker: "host/7", actor: "automation_service")
    }

    static func report(_ kind: ProgressReport.Kind, percent: Double = 41.66666, bytes: Int = 1024) -> ProgressReport {
        ProgressReport(
            kind: kind, runID: "run-1", timestamp: moment,
            command: ExportCommand(commandID: "c1", tenant: "acme", modelID: "m", version: "1.4.0", format: "ONNX"),
            stage: .transfer, percent: percent, bytes: bytes, correlationID: "corr", traceparent: traceparent)
    }
}
