// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Cognigy
internal import ExportPipeline
internal import ObjectStore

/// Probes what the worker depends on: each dependency itself, with nothing that belongs to a command.
struct WorkerProbe: DependencyProbe {
    let faults: StoreFaults
    let tenants: TenantDirectory
    let sinks: [any AuditSink]
    /// The publishing connection; nil where events go nowhere.
    let publisher: AMQPPublisher?

    func probe(_ dependency: Dependency, because suspicion: Suspicion) async throws(StepError) {
        switch dependency {
        case .objectStore: try await probeStore()
        case .tenant(let name): try await probeTenant(name, because: suspicion)
        case .auditSink(let name): try await probeSink(name, because: suspicion)
        case .broker: try probeBroker(because: suspicion)
        case .consent: throw suspicion.error
        }
    }

    private func probeStore() async throws(StepError) {
        do throws(S3Error) {
            try await faults.probe()
        } catch {
            throw StepError(
                faults.stepError(error).kind, "the object store is not usable: \(error)", httpStatus: error.httpStatus)
        }
    }

    /// A token and the last version that was found trained. Where commands were refused alike and no version was ever
    /// found, one of those commands must be served now: a token alone says nothing about what it is good for.
    private func probeTenant(_ name: String, because suspicion: Suspicion) async throws(StepError) {
        guard let tenant = tenants.tenant(name) else { return }
        let hasFoundVersion = try await tenant.probe()
        guard case .refusals(let commands, let error) = suspicion, !hasFoundVersion else { return }
        var last = error
        for command in commands {
            do throws(StepError) {
                _ = try await tenant.exporter.status(of: command, context: CallContext(commandID: "probe"))
                return
            } catch {
                last = error
            }
        }
        throw last
    }

    /// The very record that could not be written: writing it twice does no harm, and nothing else proves as much.
    private func probeSink(_ name: String, because suspicion: Suspicion) async throws(StepError) {
        guard let sink = sinks.first(where: { $0.name == name }), case .record(let record, _) = suspicion else {
            return
        }
        try await sink.write(record)
    }

    private func probeBroker(because suspicion: Suspicion) throws(StepError) {
        guard let status = publisher?.status else { return }
        if let reason = status.blockedReason { throw Self.blocked(reason) }
        if !status.isConnected { throw suspicion.error }
    }

    /// The broker's alarm as a fault of the surroundings.
    static func blocked(_ reason: String) -> StepError {
        StepError(
            .surroundings(.broker),
            "the broker takes no messages (\(reason)); free the memory or disk space that its alarm is about")
    }
}
