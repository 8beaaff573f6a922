// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import Testing

/// What the failure policy promises, held against what a worker left behind.
extension Stack {
    func check(_ rows: [PolicyRow], _ aftermath: Aftermath, besides: Set<String> = []) async throws {
        for row in rows {
            try checkEvent(of: row, aftermath)
            try checkAudit(of: row, aftermath)
            checkTenant(of: row, aftermath)
            checkSettlement(of: row, aftermath)
            try await checkObject(of: row, aftermath)
        }
        try await checkNothingIsLeft(rows, aftermath, besides: besides)
    }

    // MARK: One row

    /// One final event, of the right kind, with the ids known so far.
    private func checkEvent(of row: PolicyRow, _ aftermath: Aftermath) throws {
        let finals = aftermath.finals(of: row.commandID)
        #expect(finals.count == 1, "\(row): final events")
        let event = try #require(finals.first, "\(row)")
        #expect(event.id == event.header("ce-id"), "\(row)")
        #expect(event.properties.correlationID == "correlation-\(row.commandID)", "\(row)")
        #expect(event.properties.deliveryMode == .persistent, "\(row)")
        #expect(event.data["modelId"] as? String == row.model, "\(row)")
        #expect(event.data["tenant"] as? String == row.tenant, "\(row)")
        #expect(event.data["status"] as? String == (row.isSuccess ? "SUCCESS" : "FAILURE"), "\(row)")
        guard case .failure(let code, let stage, let status) = row.ending else {
            #expect(event.routingKey == "nlu.export.completed", "\(row): \(event.error)")
            return
        }
        #expect(event.routingKey == "nlu.export.failed", "\(row)")
        #expect(event.errorCode == code.rawValue, "\(row): \(event.message)")
        #expect(event.error["stage"] as? String == stage.rawValue, "\(row): \(event.message)")
        #expect(event.error["httpStatus"] as? Int == status, "\(row): \(event.message)")
        for text in row.says { #expect(event.message.contains(text), "\(row): \(event.message)") }
        #expect(RemoteText.cleaned(event.message) == event.message, "\(row): cleaned and cut")
    }

    /// One audit record that says what the event says, and claims no more than was checked.
    private func checkAudit(of row: PolicyRow, _ aftermath: Aftermath) throws {
        let audits = aftermath.audits(of: row.commandID)
        #expect(audits.count == 1, "\(row): audit records")
        let audit = try #require(audits.first, "\(row)")
        let event = try #require(aftermath.finals(of: row.commandID).first, "\(row)")
        #expect(audit.outcome == (row.isSuccess ? "SUCCESS" : "FAILURE"), "\(row)")
        #expect(audit.members["resource"] as? String == row.resource, "\(row)")
        #expect(audit.members["tenant"] as? String == row.tenant, "\(row)")
        #expect(audit.members["export_id"] as? String == event.data["exportId"] as? String, "\(row)")
        #expect(audit.members["job_id"] as? String == event.data["jobId"] as? String, "\(row)")
        for name in ["code", "stage", "message"] {
            #expect(audit.error[name] as? String == event.error[name] as? String, "\(row): error.\(name)")
        }
        let flags = [
            "encrypted_at_rest": row.isSuccess, "scope_validated": row.isScopeValidated,
            "version_constrained": row.isValidated,
        ]
        #expect(audit.flags == flags, "\(row)")
    }

    /// The tenant saw as many jobs and triggers as the policy allows, one idempotency key for each run.
    private func checkTenant(of row: PolicyRow, _ aftermath: Aftermath) {
        let triggers = aftermath.log.triggers.filter { $0.commandID == row.commandID }
        let jobs = aftermath.log.jobCount(model: row.model, version: row.version)
        #expect(jobs == row.expectedJobs, "\(row): export jobs")
        #expect(triggers.count == row.expectedTriggers, "\(row): triggers")
        #expect(triggers.allSatisfy { $0.idempotencyKey != nil && $0.idempotencyKey == $0.runID }, "\(row)")
        let runs = triggers.isEmpty ? 0 : max(1, row.expectedJobs)
        #expect(Set(triggers.compactMap(\.idempotencyKey)).count == runs, "\(row): runs")
        if let looks = row.looks {
            // Probes ask for versions too, on nobody's behalf.
            let looked = aftermath.log.recent.count { request in
                request.endpoint == .validate && request.model == row.model
                    && request.correlationID == "correlation-\(row.commandID)"
            }
            #expect(looked == looks, "\(row): looks at the version")
        }
    }

    /// Acknowledged after a success, in the dead-letter queue after a failure.
    private func checkSettlement(of row: PolicyRow, _ aftermath: Aftermath) {
        let letters = aftermath.letters(of: row.commandID)
        #expect(letters.count == (row.isSuccess ? 0 : 1), "\(row): dead letters")
        if let letter = letters.first { #expect(letter.body == row.commandBody, "\(row)") }
        let last = aftermath.logs.lines(of: row.commandID, "delivery settled").last
        #expect(last?.metadata["settlement"] == (row.isSuccess ? "acknowledge" : "reject"), "\(row)")
    }

    /// The object of a success is the artifact, byte for byte and encrypted; a failure names none.
    private func checkObject(of row: PolicyRow, _ aftermath: Aftermath) async throws {
        let event = try #require(aftermath.finals(of: row.commandID).first, "\(row)")
        guard case .success(let size) = row.ending else {
            #expect(event.data["storageLocation"] == nil, "\(row)")
            return
        }
        let sha = ArtifactContent.sha256(model: row.model, version: row.version, size: size)
        #expect(event.data["artifactSha256"] as? String == sha, "\(row)")
        #expect(event.data["artifactSizeBytes"] as? Int == size, "\(row)")
        guard let key = key(of: event) else {
            Issue.record("\(row): no storageLocation in this bucket")
            return
        }
        let info = try await store.head(key)
        #expect(info.size == size, "\(row)")
        #expect(info.encryption == "AES256", "\(row)")
        #expect(info.metadata["command-id"] == row.commandID, "\(row)")
        #expect(info.metadata["export-id"] == event.data["exportId"] as? String, "\(row)")
    }

    // MARK: All rows

    /// The objects of successes, an audit record and a checkpoint for each command; no other object, no upload, no
    /// message that is not a dead letter of these rows, no token where it does not belong.
    func checkNothingIsLeft(_ rows: [PolicyRow], _ aftermath: Aftermath, besides: Set<String> = []) async throws {
        let objects = aftermath.events.compactMap { key(of: $0) }
        let checkpoints = rows.map { StateKeys().checkpoint(tenant: $0.tenant, commandID: $0.commandID) }
        let expected = Set(objects + checkpoints + aftermath.audits.map(\.key)).union(besides)
        #expect(aftermath.keys.subtracting(expected).isEmpty, "left behind in the bucket")
        #expect(expected.subtracting(aftermath.keys).isEmpty, "missing from the bucket")
        #expect(aftermath.audits.count == rows.count)
        #expect(try await store.listMultipartUploads().isEmpty)
        #expect(try await waitForReady(names.commands, 0))
        let dead = Set(rows.filter { !$0.isSuccess }.map(\.commandID))
        #expect(Set(aftermath.letters.compactMap(\.properties.messageID)) == dead)
        #expect(aftermath.log.leaks.isEmpty)
    }

    /// The key under which a success says its object lies; nil for a failure, or another bucket.
    func key(of event: RecordedEvent) -> String? {
        let prefix = store.location(of: "")
        guard let location = event.data["storageLocation"] as? String, location.hasPrefix(prefix) else { return nil }
        return String(location.dropFirst(prefix.count))
    }
}

extension PolicyRow {
    /// A refusal for want of a permission is no proof of one, though the version was looked at before.
    var isScopeValidated: Bool {
        if case .failure(_, let stage, httpStatus: 403) = ending, stage != .transfer { return false }
        return isValidated
    }

    /// The audit record's `resource`: a colon or percent sign inside an id is percent-encoded.
    var resource: String {
        let parts = [model, version].map { $0.replacing("%", with: "%25").replacing(":", with: "%3A") }
        return "nlu:" + parts.joined(separator: ":")
    }
}

/// No secret gets out.
extension Stack {
    /// Texts that must stand nowhere, each with what it is.
    var secrets: [(name: String, text: String)] {
        get throws {
            let password = try AMQPTestBroker.endpoint().password
            let server = try #require(ObjectStoreServer.shared)
            return [
                ("access token", "simtok_"), ("S3 secret key", server.credentials.secretAccessKey),
                ("broker password", ":\(password)@"), ("signed query", "signature="), ("signed query", "&expires="),
                ("signed query", "?expires="), ("authorization header", "Bearer "),
            ] + variables.filter { $0.key.hasSuffix("_CLIENT_SECRET") }.map { ("client secret", $0.value) }
        }
    }

    /// Looks for every secret in log lines, events, audit records, checkpoints and dead letters (P8).
    func checkSecrets(_ aftermath: Aftermath) async throws {
        var places: [(String, String)] = aftermath.logs.lines.map { ("log line", $0.text) }
        places += aftermath.events.map { ("event", "\(String(decoding: $0.body, as: UTF8.self)) \($0.properties)") }
        places += aftermath.letters.map {
            ("dead letter", "\(String(decoding: $0.body, as: UTF8.self)) \($0.properties)")
        }
        for key in aftermath.keys where key.hasPrefix("state/") || key.hasPrefix("audit/") {
            let bytes = try await store.get(key, maximumBytes: 1 << 20).bytes
            places.append((key, String(decoding: bytes, as: UTF8.self)))
        }
        #expect(!aftermath.logs.lines.isEmpty)
        for (name, secret) in try secrets {
            for (place, text) in places where text.contains(secret) {
                Issue.record("\(name) in \(place): \(text.replacing(secret, with: "…"))")
            }
        }
    }
}
