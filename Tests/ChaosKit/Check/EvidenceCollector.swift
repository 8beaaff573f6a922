// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import CognigySimulator
internal import Crypto
internal import Foundation
internal import HTTPTransport
internal import ObjectStore

/// Reads everything that a run left behind: bucket, queues, audit files, the tenant's own log.
struct EvidenceCollector: Sendable {
    let servers: ChaosServers
    let names: ChaosNames
    let store: S3Client
    let disks: [AuditDisk]
    let tenant: TenantHost

    func collect(log: LogSummary, incidents: [String]) async throws -> Evidence {
        var evidence = Evidence()
        evidence.bucket = names.bucket
        evidence.log = log
        evidence.incidents = incidents
        evidence.objects = try await map(store.listAll(prefix: "nlu-exports/")) { try await object($0.key) }
        try await readBucket(&evidence)
        try await readQueues(&evidence)
        let seen = tenant.log
        (evidence.triggers, evidence.jobs, evidence.leaks) = (seen.triggers, seen.jobs, seen.leaks.count)
        for line in disks.flatMap(\.lines) {
            guard let record = try? JSONDecoder().decode(AuditDocument.self, from: Data(line.utf8)) else { continue }
            evidence.fileRecords[record.recordID, default: 0] += 1
        }
        return evidence
    }

    // MARK: The bucket

    private func object(_ key: String) async throws -> Evidence.StoredObject {
        let stream = try await store.stream(key)
        var hasher = SHA256()
        var size = 0
        let buffer = TransferBuffer(capacity: 1 << 20)
        while try await stream.fill(buffer) > 0 {
            size += buffer.count
            unsafe buffer.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
            buffer.count = 0
        }
        let digest = hasher.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return Evidence.StoredObject(
            key: key, size: size, sha256: digest, commandID: stream.info.metadata["command-id"],
            isEncrypted: stream.info.encryption != nil)
    }

    private func readBucket(_ evidence: inout Evidence) async throws {
        let audits: [(String, AuditDocument?)] = try await documents("audit/")
        // Leases of workers that were killed stay behind; they are no checkpoints.
        let checkpoints: [(String, Evidence.Checkpoint?)] = try await documents("state/") {
            !$0.hasPrefix("state/_workers/")
        }
        evidence.audits = audits.compactMap(\.1)
        evidence.checkpoints = checkpoints.compactMap(\.1)
        evidence.unreadable = audits.filter { $0.1 == nil }.map(\.0) + checkpoints.filter { $0.1 == nil }.map(\.0)
        evidence.uploads = try await store.listMultipartUploads().map {
            Evidence.OpenUpload(key: $0.key, id: $0.uploadID)
        }
    }

    private func documents<Document: Decodable & Sendable>(
        _ prefix: String, where isMeant: @escaping @Sendable (String) -> Bool = { _ in true }
    ) async throws -> [(String, Document?)] {
        let keys = try await store.listAll(prefix: prefix).map(\.key).filter(isMeant)
        return try await map(keys) { key in
            let bytes = try await store.get(key, maximumBytes: 1 << 20).bytes
            return (key, try? JSONDecoder().decode(Document.self, from: Data(bytes)))
        }
    }

    /// Does the same for each element, sixteen at a time.
    private func map<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: Result.self) { group in
            var results: [Result] = []
            var rest = elements[...]
            for element in rest.prefix(16) { group.addTask { try await body(element) } }
            rest = rest.dropFirst(16)
            while let result = try await group.next() {
                results.append(result)
                if let element = rest.popFirst() { group.addTask { try await body(element) } }
            }
            return results
        }
    }

    // MARK: The broker

    private func readQueues(_ evidence: inout Evidence) async throws {
        let names = names
        let (events, dead, left) = try await AMQPAdmin.withConnection(try servers.brokerConfiguration()) {
            session throws(AMQPError) in
            (
                try Self.take(names.observed, session), try Self.take(names.dead, session),
                Int(try session.queue(names.commands)?.messageCount ?? 0)
            )
        }
        evidence.events = events.map { event in
            Evidence.Event(
                id: event.properties.messageID ?? "", routingKey: event.routingKey, body: event.body,
                document: try? JSONDecoder().decode(EventDocument.self, from: Data(event.body)))
        }
        evidence.dead = dead.map { String(decoding: $0.body, as: UTF8.self) }
        evidence.left = left
    }

    /// Takes everything off a queue.
    private static func take(_ queue: String, _ session: AMQPAdminSession) throws(AMQPError) -> [AMQPDelivery] {
        var taken: [AMQPDelivery] = []
        while let message = try session.get(queue: queue) {
            taken.append(message)
            _ = try session.settle(message.tag, .acknowledge)
        }
        return taken
    }
}
