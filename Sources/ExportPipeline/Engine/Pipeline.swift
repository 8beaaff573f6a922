// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The way of every command: delivery → command → state machine → outcome → settle.
///
/// One instance serves the whole process. It owns no connection and no thread; whoever holds a delivery calls `handle`,
/// which returns when the delivery is settled.
package final class Pipeline: Sendable {
    private let parts: PipelineParts
    private let settings: PipelineSettings
    private let registry = RunRegistry()
    private let owners: OwnerWatch
    private let deliveries = Mutex<(next: Int, level: StopLevel, controls: [Int: StopControl])>((0, .running, [:]))

    package init(parts: PipelineParts, settings: PipelineSettings) {
        self.parts = parts
        self.settings = settings
        let keys = settings.stateKeys
        owners = OwnerWatch(
            store: parts.state, policy: settings.lease, environment: parts.environment,
            key: { keys.worker(instance: $0) })
    }

    /// Takes a delivery through its whole life; returns how it was settled.
    package func handle(_ delivery: any Delivery) async -> Settlement? {
        let (subject, foregone) = examine(delivery.message)
        let control = StopControl()
        let id = deliveries.withLock { deliveries in
            deliveries.next += 1
            deliveries.controls[deliveries.next] = control
            control.stop(deliveries.level)
            return deliveries.next
        }
        defer { deliveries.withLock { _ = $0.controls.removeValue(forKey: id) } }
        return await DeliveryDriver(
            parts: parts, settings: settings, delivery: delivery, subject: subject, foregoneFailure: foregone,
            registry: registry, owners: owners, control: control
        ).run()
    }

    /// Lets go of runs and deliveries as far as `level` says; what is handed in later is handed straight back.
    package func stop(_ level: StopLevel) {
        registry.stop(level)
        let controls = deliveries.withLock { deliveries in
            deliveries.level = max(deliveries.level, level)
            return Array(deliveries.controls.values)
        }
        for control in controls { control.stop(level) }
        // A run that began between the two loops belongs to a delivery that has just been told.
        registry.stop(level)
    }

    // MARK: From message to subject

    private func examine(_ message: IncomingMessage) -> (DeliveryMachine.Subject, foregone: Failure?) {
        switch CommandParser.parse(message, limits: settings.commandLimits) {
        case .failure(let invalid):
            let outcome = Self.refusal(of: invalid, settings: settings, at: parts.environment.moment())
            parts.observer.note(.refused(outcome), of: PipelineSubject(outcome))
            return (.refusal(outcome), nil)
        case .success(let accepted):
            parts.observer.note(
                .accepted(accepted, isRedelivered: message.isRedelivered), of: PipelineSubject(accepted.command))
            return (
                .command(accepted, isRedelivered: message.isRedelivered),
                foregoneFailure(of: accepted, message)
            )
        }
    }

    /// A failure that is certain before anything is tried.
    private func foregoneFailure(of accepted: AcceptedCommand, _ message: IncomingMessage) -> Failure? {
        let tenant = accepted.command.tenant
        if parts.exporters.exporter(for: tenant) == nil {
            return Failure(
                code: .unknownTenant, stage: .receive, message: Self.unknownTenant(tenant, parts.exporters))
        }
        if settings.deliveryLimit > 0, message.deliveryCount >= settings.deliveryLimit - settings.deliveryMargin {
            return Failure(
                code: .deliveriesExhausted, stage: .receive,
                message: "the broker has had this command back \(message.deliveryCount) times and drops it at "
                    + "\(settings.deliveryLimit) (amqp.deliveryLimit); mend the cause and replay it")
        }
        return nil
    }

    static func unknownTenant(_ tenant: String, _ directory: any ExporterDirectory) -> String {
        "tenant \(tenant) is not configured; known: \(directory.tenantNames.joined(separator: ", ")) "
            + "(cognigy.tenantNames)"
    }

    static func refusal(of invalid: InvalidCommand, settings: PipelineSettings, at moment: Moment) -> Outcome {
        var outcome = Outcome(
            runID: invalid.digest, timestamp: moment.date, durationSeconds: 0, commandID: invalid.commandID,
            tenant: invalid.tenant, modelID: invalid.modelID, version: invalid.version, format: invalid.format,
            correlationID: invalid.context.correlationID, traceparent: invalid.context.traceparent,
            failure: invalid.failure, worker: settings.worker, actor: settings.actor)
        outcome.auditKey = settings.auditPrefix.map {
            AuditRecord.key(runID: outcome.runID, timestamp: outcome.timestamp, prefix: $0)
        }
        return outcome
    }

    /// The outcome of a command whose id already belongs to a different command.
    static func conflict(
        _ accepted: AcceptedCommand, message: IncomingMessage, settings: PipelineSettings, at moment: Moment
    ) -> Outcome {
        let command = accepted.command
        let failure = Failure(
            code: .commandIDConflict, stage: .receive,
            message: "command id \(command.commandID) was already used for a command with other content; send this one "
                + "under an id of its own")
        return refusal(
            of: InvalidCommand(
                failure: failure, digest: CommandParser.digest(of: message), commandID: command.commandID,
                tenant: command.tenant, modelID: command.modelID, version: command.version, format: command.format,
                context: accepted.context),
            settings: settings, at: moment)
    }
}
