// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

/// Checkpoints of every stage as they are written, for the published schema.
@Suite(.enabled(if: SchemaDocuments.folder != nil))
struct CheckpointDocumentTests {
    private func checkpoint(_ stage: Checkpoint.Stage) -> Checkpoint {
        Checkpoint(
            commandID: "c1", tenant: "acme", fingerprint: Hashing.sha256Hex("x"), runID: "run-1", epoch: 1,
            owner: "host/7", nonce: "n-1", messageToken: "", stage: stage, claimedAt: RenderingSamples.moment)
    }

    private func write(_ checkpoint: Checkpoint, _ name: String) throws -> [UInt8] {
        let bytes = try CheckpointCodec.encode(checkpoint)
        #expect(try CheckpointCodec.decode(bytes) == checkpoint)
        try SchemaDocuments.write(bytes, "checkpoint/\(name)")
        return bytes
    }

    @Test func everyStage() throws {
        var claimed = checkpoint(.claimed)
        _ = try write(claimed, "claimed")
        claimed.owner = nil
        claimed.attempts = 3
        _ = try write(claimed, "released")

        var triggered = checkpoint(.triggered)
        triggered.job = ExportJob(jobID: "j1", exportID: "e1")
        triggered.jobSeconds = 2.5
        _ = try write(triggered, "triggered")
        triggered.upload = Checkpoint.Upload(key: "a/b.onnx", uploadID: "u1")
        let transferring = try write(triggered, "transferring")

        var decided = triggered
        decided.stage = .decided
        decided.upload = nil
        decided.outcome = RenderingSamples.success()
        decided.outcome?.auditKey = "audit/2026/11/23/x.json"
        let success = try write(decided, "success")
        decided.outcome = RenderingSamples.failure()
        _ = try write(decided, "failure")
        try refuse(transferring: transferring, success: success)
    }

    private func refuse(transferring: [UInt8], success: [UInt8]) throws {
        let changes: [(String, JSONValue?)] = [
            ("schema", 2), ("runId", nil), ("nonce", ""), ("epoch", 0), ("stage", "other"), ("fingerprint", "abc"),
            ("jobId", nil), ("claimedAt", 7), ("upload.uploadId", nil), ("owner", 7), ("extra", 1), ("attempts", -1),
        ]
        for (name, value) in changes {
            let changed = try SchemaDocuments.changed(transferring, name, value)
            try SchemaDocuments.write(changed, "checkpoint/refused/transferring-\(name)")
        }
        let withoutOutcome = try SchemaDocuments.changed(success, "outcome", nil)
        try SchemaDocuments.write(withoutOutcome, "checkpoint/refused/decided-without-outcome")
        let undecided = try SchemaDocuments.changed(success, "stage", "triggered")
        try SchemaDocuments.write(undecided, "checkpoint/refused/outcome-undecided")
        for name in ["artifact", "worker", "runId", "timestamp", "encryptedAtRest"] {
            let changed = try SchemaDocuments.changed(success, "outcome.\(name)", nil)
            try SchemaDocuments.write(changed, "checkpoint/refused/outcome-\(name)")
        }
    }

    @Test func outcomesOfMessagesThatNeverBecameARun() throws {
        let bytes = try CheckpointCodec.encode(RenderingSamples.invalid())
        try SchemaDocuments.write(bytes, "checkpoint/invalid")
        let changed = try SchemaDocuments.changed(bytes, "failure.code", "other")
        try SchemaDocuments.write(changed, "checkpoint/refused/invalid-code")
    }
}
