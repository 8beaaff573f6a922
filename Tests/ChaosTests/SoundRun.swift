// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ChaosKit

@testable import CognigySimulator

/// What a run of three commands leaves behind when all is well, to be spoiled by tests.
struct SoundRun {
    let commands = (1...3).map { number in
        PlannedCommand(id: "c\(number)", model: "m\(number)", size: 10, copies: number == 2 ? 2 : 1)
    }
    var evidence = Evidence()

    init() {
        evidence.bucket = "bucket"
        for command in commands { add(command) }
    }

    /// The rules that a run breaks once its evidence is spoiled.
    static func broken(_ spoil: (inout Evidence) -> Void) -> Set<Finding.Rule> {
        var run = SoundRun()
        spoil(&run.evidence)
        return Set(run.findings().map(\.rule))
    }

    func findings() -> [Finding] {
        Checker(commands: commands, evidence: evidence, maximumDeliveries: 5).findings()
    }

    private mutating func add(_ command: PlannedCommand) {
        let (id, run, job) = (command.id, "run-\(command.id)", "job-\(command.id)")
        let key = "nlu-exports/\(command.model)/1.0.0/exp.onnx"
        let place = "s3://bucket/\(key)"
        evidence.objects.append(.init(key: key, size: 10, sha256: command.sha256, commandID: id))
        evidence.audits.append(
            AuditDocument(
                recordID: "record-\(id)", commandID: id, jobID: job, outcome: "SUCCESS",
                metrics: .init(size: 10, sha256: command.sha256, destination: place)))
        evidence.fileRecords["record-\(id)"] = 1
        evidence.checkpoints.append(.init(commandId: id, runId: run, jobId: job))
        let content = EventDocument.Content(
            commandId: id, jobId: job, storageLocation: place, artifactSha256: command.sha256, status: "SUCCESS")
        // An event may have been published again: the same one.
        let event = Evidence.Event(
            id: "event-\(id)", routingKey: "nlu.export.completed", body: [1],
            document: EventDocument(event: "nlu_model_export_completed", data: content))
        evidence.events += [event, event]
        evidence.triggers.append(Self.trigger(command, run: run, job: job, isRepeat: false))
        evidence.triggers.append(Self.trigger(command, run: run, job: job, isRepeat: true))
        evidence.jobs.append(Self.job(command, run: run, job: job))
        evidence.log.deliveries[id] = 3
    }

    static func trigger(_ command: PlannedCommand, run: String, job: String, isRepeat: Bool) -> TriggerRecord {
        TriggerRecord(
            at: 1, modelID: command.model, version: command.version, format: "ONNX", idempotencyKey: run,
            isRepeat: isRepeat, jobID: job, commandID: command.id, runID: run, metadata: [:], client: "c",
            answer: "202")
    }

    static func job(_ command: PlannedCommand, run: String, job: String) -> JobRecord {
        JobRecord(
            jobID: job, exportID: "exp", modelID: command.model, version: command.version, format: "ONNX",
            idempotencyKey: run, metadata: ["commandId": .string(command.id)], number: 1, createdAt: 1, polls: 1,
            downloads: 1)
    }
}
