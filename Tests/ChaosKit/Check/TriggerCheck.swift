// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CognigySimulator

/// What the tenant says about triggers: each run asks under one key, each key is one job.
struct TriggerCheck: Sendable {
    private let triggers: [String: [TriggerRecord]]
    private let jobs: [String: [JobRecord]]

    init(triggers: [TriggerRecord], jobs: [JobRecord]) {
        self.triggers = Dictionary(grouping: triggers) { $0.commandID ?? "" }
        self.jobs = Dictionary(grouping: jobs) { $0.metadata["commandId"]?.string ?? "" }
    }

    func findings(_ command: PlannedCommand, runs checkpoints: [Evidence.Checkpoint]?) -> [Finding] {
        let (triggers, jobs) = (triggers[command.id] ?? [], jobs[command.id] ?? [])
        var findings: [Finding] = []
        func expect(_ holds: Bool, _ what: String) {
            if !holds { findings.append(Finding(.triggers, command.id, what)) }
        }
        for trigger in triggers {
            expect(trigger.idempotencyKey != nil, "a trigger without an idempotency key")
            expect(trigger.idempotencyKey == trigger.runID, "the idempotency key is not the run's id")
        }
        for (run, ofRun) in Dictionary(grouping: jobs, by: \.idempotencyKey) where ofRun.count > 1 {
            expect(false, "\(ofRun.count) jobs of run \(run ?? "none")")
        }
        let runs = Set(triggers.compactMap(\.idempotencyKey))
        expect(runs.count <= command.runs, "\(runs.count) runs triggered, \(command.runs) expected")
        expect(jobs.count <= command.runs, "\(jobs.count) jobs, \(command.runs) expected")
        for checkpoint in checkpoints ?? [] {
            let job = jobs.first { $0.jobID == checkpoint.jobId }
            expect(job != nil, "the tenant knows no job \(checkpoint.jobId ?? "none")")
            expect(job?.idempotencyKey == checkpoint.runId, "the decided run is not the one whose job was used")
            expect(checkpoint.runs <= command.runs, "the checkpoint tells of \(checkpoint.runs) runs")
        }
        return findings
    }

    /// Triggers for commands that nobody published.
    func unknown(_ commands: [PlannedCommand]) -> [Finding] {
        let known = Set(commands.map(\.id))
        return triggers.keys.filter { !known.contains($0) }.sorted().map { Finding(.unknown, $0, "a trigger") }
    }
}
