// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Something that does not hold, with the command it is about.
package struct Finding: Sendable, Hashable {
    package enum Rule: String, Sendable, Hashable, CaseIterable {
        case lost, doubled, dead, left
        case failed = "audited as failed"
        case twoOutcomes = "two outcomes"
        case disagreement
        case checkpoint
        case triggers
        case upload = "unfinished upload"
        case auditFile = "audit file"
        case deliveries = "too many deliveries"
        case unknown = "belongs to no command"
        case worker
        case leak = "leaked credential"
    }

    package let rule: Rule
    package let command: String?
    package let what: String

    package init(_ rule: Rule, _ command: String?, _ what: String) {
        self.rule = rule
        self.command = command
        self.what = what
    }
}

/// Holds what a run left behind against what it was asked to do. Knows nothing of how it came about.
package struct Checker: Sendable {
    private let commands: [PlannedCommand]
    private let evidence: Evidence
    private let maximumDeliveries: Int

    private let objects: [String: [Evidence.StoredObject]]
    private let audits: [String: [AuditDocument]]
    private let events: [String: [Evidence.Event]]
    private let checkpoints: [String: [Evidence.Checkpoint]]

    package init(commands: [PlannedCommand], evidence: Evidence, maximumDeliveries: Int) {
        self.commands = commands
        self.evidence = evidence
        self.maximumDeliveries = maximumDeliveries
        objects = Dictionary(grouping: evidence.objects) { $0.commandID ?? "" }
        audits = Dictionary(grouping: evidence.audits) { $0.commandID ?? "" }
        events = Dictionary(grouping: evidence.events) { $0.document?.data.commandId ?? "" }
        checkpoints = Dictionary(grouping: evidence.checkpoints, by: \.commandId)
    }

    /// Everything that does not hold, in order of the commands.
    package func findings() -> [Finding] {
        let triggers = TriggerCheck(triggers: evidence.triggers, jobs: evidence.jobs)
        return commands.flatMap { command in
            outcome(of: command) + records(of: command) + triggers.findings(command, runs: checkpoints[command.id])
                + deliveries(of: command)
        } + triggers.unknown(commands) + strangers() + remains()
    }

    // MARK: One command

    /// One object with the right bytes, one success in the bucket, one completion event.
    private func outcome(of command: PlannedCommand) -> [Finding] {
        var findings: [Finding] = []
        func expectOne<Value>(_ values: [Value], _ name: String) {
            if values.isEmpty { findings.append(Finding(.lost, command.id, "no \(name)")) }
            if values.count > 1 { findings.append(Finding(.doubled, command.id, "\(values.count) of: \(name)")) }
        }
        let stored = objects[command.id] ?? []
        expectOne(stored, "object")
        for object in stored where object.sha256 != command.sha256 || object.size != command.size {
            findings.append(
                Finding(
                    .disagreement, command.id,
                    "\(object.key) is not the artifact (\(object.size) bytes, \(object.sha256))"))
        }
        for object in stored where !object.isEncrypted {
            findings.append(Finding(.disagreement, command.id, "\(object.key) is not encrypted"))
        }
        expectOne((audits[command.id] ?? []).filter { $0.outcome == "SUCCESS" }, "audited success in the bucket")
        let completed = Set((events[command.id] ?? []).filter { $0.routingKey == Self.completed }.map(\.id))
        expectOne(Array(completed), "completion event id")
        expectOne(checkpoints[command.id] ?? [], "checkpoint")
        return findings
    }

    private static let completed = "nlu.export.completed"

    /// Audit record, event, object and checkpoint say the same, and nothing says that it failed.
    private func records(of command: PlannedCommand) -> [Finding] {
        var findings: [Finding] = []
        let (audits, events) = (audits[command.id] ?? [], events[command.id] ?? [])
        for audit in audits where audit.outcome != "SUCCESS" {
            let why = audit.error.map { "\($0.code): \($0.message)" } ?? "without a reason"
            findings.append(Finding(.failed, command.id, why))
        }
        for (job, outcomes) in Dictionary(grouping: audits, by: \.jobID) where Set(outcomes.map(\.outcome)).count > 1 {
            findings.append(Finding(.twoOutcomes, command.id, "audited as both for job \(job ?? "none")"))
        }
        for event in events where event.routingKey != Self.completed {
            findings.append(Finding(.failed, command.id, "event \(event.routingKey)"))
        }
        if Set(events.map(\.routingKey)).count > 1 {
            findings.append(Finding(.twoOutcomes, command.id, "announced as both"))
        }
        for (id, copies) in Dictionary(grouping: events, by: \.id) where Set(copies.map(\.body)).count > 1 {
            findings.append(
                Finding(.disagreement, command.id, "event \(id) has \(Set(copies.map(\.body)).count) bodies"))
        }
        for audit in audits where audit.outcome == "SUCCESS" {
            findings += compare(command, audit)
            if evidence.fileRecords[audit.recordID] == nil {
                findings.append(Finding(.auditFile, command.id, "record \(audit.recordID) is in no audit file"))
            }
        }
        for checkpoint in checkpoints[command.id] ?? [] {
            if checkpoint.stage != "decided" {
                findings.append(Finding(.checkpoint, command.id, "stands at \(checkpoint.stage)"))
            }
        }
        return findings
    }

    private func compare(_ command: PlannedCommand, _ audit: AuditDocument) -> [Finding] {
        var findings: [Finding] = []
        func expect(_ holds: Bool, _ what: String) {
            if !holds { findings.append(Finding(.disagreement, command.id, what)) }
        }
        let place = audit.metrics.storageDestination
        let keys = (objects[command.id] ?? []).map { "s3://\(evidence.bucket)/\($0.key)" }
        expect(place.map(keys.contains) ?? false, "audited object \(place ?? "none") is not there")
        expect(audit.metrics.artifactSha256 == command.sha256, "audited SHA-256 is not the artifact's")
        expect(audit.metrics.artifactSizeBytes == command.size, "audited size is not the artifact's")
        for event in events[command.id] ?? [] {
            expect(event.document?.data.storageLocation == place, "event and audit name different objects")
            expect(event.document?.data.jobId == audit.jobID, "event and audit name different jobs")
            expect(
                event.document?.data.artifactSha256 == audit.metrics.artifactSha256, "event and audit differ in SHA-256"
            )
        }
        for checkpoint in checkpoints[command.id] ?? [] {
            expect(checkpoint.jobId == audit.jobID, "checkpoint and audit name different jobs")
        }
        return findings
    }

    private func deliveries(of command: PlannedCommand) -> [Finding] {
        let count = evidence.log.deliveries[command.id] ?? 0
        guard count > maximumDeliveries else { return [] }
        return [Finding(.deliveries, command.id, "\(count), at most \(maximumDeliveries) expected")]
    }

    // MARK: What belongs to none

    private func strangers() -> [Finding] {
        let known = Set(commands.map(\.id))
        return evidence.objects.filter { !known.contains($0.commandID ?? "") }.map {
            Finding(.unknown, $0.commandID, "object \($0.key)")
        }
            + evidence.audits.filter { !known.contains($0.commandID ?? "") }.map {
                Finding(.unknown, $0.commandID, "audit record \($0.recordID)")
            }
            + evidence.events.filter { !known.contains($0.document?.data.commandId ?? "") }.map {
                Finding(.unknown, $0.document?.data.commandId, "event \($0.id)")
            } + evidence.unreadable.map { Finding(.unknown, nil, "\($0) cannot be read") }
    }

    private func remains() -> [Finding] {
        let named = Dictionary(
            evidence.checkpoints.compactMap { point in point.upload.map { ($0.uploadId, point.commandId) } },
            uniquingKeysWith: { first, _ in first })
        var findings = evidence.dead.map { Finding(.dead, nil, $0) }
        if evidence.left > 0 { findings.append(Finding(.left, nil, "\(evidence.left) messages in the command queue")) }
        if evidence.leaks > 0 { findings.append(Finding(.leak, nil, "\(evidence.leaks) at the download host")) }
        for upload in evidence.uploads where named[upload.id] != nil || evidence.writtenUploads.contains(upload.id) {
            findings.append(
                Finding(.upload, named[upload.id], "\(upload.key), upload \(upload.id), which a checkpoint named"))
        }
        return findings + evidence.incidents.map { Finding(.worker, nil, $0) }
    }
}
