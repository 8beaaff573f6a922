// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// What trouble with a server means, as the real adapters classify it.
enum Faults {
    static func store(_ trouble: Trouble) -> StepError {
        switch trouble {
        case .noAnswer: StepError(.surroundings(.objectStore), "no answer from the store")
        case .serverError:
            StepError(.transient(thenFailsWith: .storageRefused), "internal error of the store", httpStatus: 500)
        case .throttled(let wait):
            StepError(.throttled(retryAfter: wait.map(\.duration)), "slow down", httpStatus: 503)
        case .refused: StepError(.surroundings(.objectStore), "access denied", httpStatus: 403)
        }
    }

    static func tenant(_ name: String, isTrigger: Bool = false) -> (Trouble) -> StepError {
        { trouble in
            switch trouble {
            case .noAnswer: StepError(isTrigger ? .ambiguous : .transient(), "no answer from \(name)")
            case .serverError:
                StepError(isTrigger ? .ambiguous : .transient(), "\(name) answered 500", httpStatus: 500)
            case .throttled(let wait):
                StepError(.throttled(retryAfter: wait.map(\.duration)), "too many requests", httpStatus: 429)
            case .refused: StepError(.surroundings(.tenant(name)), "unauthorized", httpStatus: 401)
            }
        }
    }

    /// Trouble in the middle of an artifact: it came through damaged.
    static func body(_ trouble: Trouble) -> StepError { StepError(.unreadable, "the download broke off: \(trouble)") }

    static func exchange(_ trouble: Trouble) -> StepError {
        switch trouble {
        case .noAnswer: StepError(.surroundings(.broker), "the event was not confirmed")
        case .serverError, .throttled: StepError(.transient(), "the broker refused the event")
        case .refused: StepError(.surroundings(.broker), "the broker does not let this worker in")
        }
    }

    static func file(_ trouble: Trouble) -> StepError {
        StepError(.surroundings(.auditSink(FileSink.name)), "the audit file cannot be written: \(trouble)")
    }
}

/// Checkpoints and leases.
struct StatePort: StateStore {
    let process: Incarnation

    private var world: World { process.world }

    func read(_ key: String) async throws(StepError) -> StateDocument? {
        let (process, world) = (process, world)
        let found = try await process.call(
            .store, "read", key, trouble: Faults.store,
            answered: { (found: Bucket.Document?) in world.checks.saw(found?.checkpoint, isOwnWrite: false, by: process)
            },
            effect: {
                let found = world.bucket.documents[key]
                world.checks.read(key, version: found?.etag, by: process)
                return .success(found)
            })
        return found.map { StateDocument(bytes: $0.bytes, version: $0.etag) }
    }

    func write(_ bytes: [UInt8], to key: String, if condition: WriteCondition) async throws(StepError) -> WriteResult {
        let (process, world) = (process, world)
        let isCheckpoint = !key.hasPrefix(World.stateKeys.workers)
        let written = Written()
        return try await process.call(
            .store, "write", "\(key) if \(condition): \(world.summary(bytes, isCheckpoint: isCheckpoint))",
            budget: world.checks.budget(ofCheckpoint: key), trouble: Faults.store,
            answered: { (result: WriteResult) in
                if case .written = result { world.checks.saw(written.checkpoint, isOwnWrite: true, by: process) }
            },
            effect: {
                if isCheckpoint, world.weather.refusesFalsely(&world.random) {
                    process.knowledge.wasRefusedFalsely = true
                    return .success(.conflict)
                }
                let result = world.bucket.write(bytes, to: key, if: condition, by: process)
                if case .written = result { written.checkpoint = world.bucket.documents[key]?.checkpoint }
                return .success(result)
            })
    }

    private final class Written { var checkpoint: Checkpoint? }

    func delete(_ key: String) async throws(StepError) {
        let world = world
        try await process.call(.store, "delete", key, trouble: Faults.store) { .success(world.bucket.delete(key)) }
    }
}

/// The audit records in the bucket.
struct BucketSink: AuditSink {
    static let name = "s3"
    let process: Incarnation
    var name: String { Self.name }

    func write(_ record: AuditRecord) async throws(StepError) {
        let process = process
        try await process.call(
            .store, "audit", record.key, trouble: Faults.store,
            answered: { process.world.checks.isDurable(record, in: Self.name, for: process) },
            effect: { .success(process.world.bucket.audit(record, by: process)) })
    }
}

/// The audit file of the worker's host.
struct FileSink: AuditSink {
    static let name = "file"
    let process: Incarnation
    var name: String { Self.name }

    func write(_ record: AuditRecord) async throws(StepError) {
        let process = process
        try await process.call(
            .file, "audit-file", record.recordID, trouble: Faults.file,
            answered: { process.world.checks.isDurable(record, in: Self.name, for: process) },
            effect: { .success(()) })
    }
}

/// The events exchange.
struct ExchangePort: EventPublisher {
    let process: Incarnation

    func publish(_ event: ExportEvent) async throws(StepError) -> EventRouting {
        let process = process
        let world = process.world
        return try await process.call(
            .exchange, "event", "\(event.kind.rawValue) \(event.id)", trouble: Faults.exchange,
            answered: { (_: EventRouting) in world.checks.isConfirmed(event, for: process) },
            effect: {
                world.exchange.publish(event, by: process)
                return .success(world.random.chance(0.1) ? .unroutable : .routed)
            })
    }
}
