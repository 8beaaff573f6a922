// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Logging
internal import ObjectStore

/// The store lacks what the whole protocol rests on; no wait will mend that.
struct UnsuitableStore: Error, CustomStringConvertible {
    let description: String
}

/// Before anything is consumed: the store is there and honours conditional writes.
struct StoreGuard: Sendable {
    let parts: WorkerParts

    /// Waits until the store answers, saying why it waits; returns once it has proven itself.
    ///
    /// - Throws: `UnsuitableStore` where the store answers and does not honour the conditions; `CancellationError`.
    func waitUntilProven(onWaiting: @Sendable (String) -> Void) async throws {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30))
        while true {
            let report: StorageProbe.Report?
            do {
                report = try await prove()
            } catch  where error.kind != .cancelled && !Task.isCancelled {
                onWaiting("the object store is not usable: \(error)")
                try await parts.environment.sleep(backoff.next(jitter: parts.environment.jitter()))
                continue
            } catch {
                throw CancellationError()
            }
            return try check(report)
        }
    }

    /// Proves the store now or throws why it cannot be used.
    func proveOnce() async throws { try check(try await prove()) }

    private func prove() async throws(S3Error) -> StorageProbe.Report? {
        try await parts.faults.look()
        guard parts.settings.s3.conditionalWrites else { return nil }
        let (probe, key) = (StorageProbe(parts.store), parts.keys.probe(instance: parts.identity.instance))
        // Not cut short by a cancelled task: its object would stay behind. The store has just answered.
        return try await uncut { () async throws(S3Error) in try await probe.run(key: key) }
    }

    private func check(_ report: StorageProbe.Report?) throws {
        guard let report, !report.honoursConditions else { return }
        let faults = report.faults.map(\.rawValue).joined(separator: ", ")
        throw UnsuitableStore(
            description: "\(parts.store.location(of: "")) does not honour conditional writes (\(faults)); use a store "
                + "that does, or run one worker only with s3.conditionalWrites: false")
    }
}
