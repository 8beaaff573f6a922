// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The way of every command: delivery → command → state machine → outcome → settle.
///
/// One instance serves the whole process. It owns no connection and no thread; whoever holds a delivery calls `handle`,
/// which returns when the delivery is settled.
package final class Pipeline: Sendable {
    private let core: PipelineCore
    private let lent: LentDeliveries

    private var parts: PipelineParts { core.parts }
    private var settings: PipelineSettings { core.settings }

    package init(parts: PipelineParts, settings: PipelineSettings) {
        core = PipelineCore(parts: parts, settings: settings)
        lent = LentDeliveries(lease: settings.deliveryLease, environment: parts.environment)
    }

    /// Takes a delivery through its whole life; returns how it was settled.
    package func handle(_ delivery: any Delivery) async -> Settlement? {
        let (subject, foregone) = examine(delivery.message)
        let (id, control) = lent.enter(from: delivery.queue)
        defer { lent.leave(id) }
        return await DeliveryDriver(
            core: core, delivery: delivery, subject: subject, foregoneFailure: foregone, control: control
        ).run()
    }

    /// Lets go of runs and deliveries as far as `level` says; what is handed in later is handed straight back.
    package func stop(_ level: StopLevel) {
        core.registry.stop(level)
        lent.stop(level)
    }

    /// Returns once no delivery is in hand and no run is going on.
    package func waitUntilIdle() async {
        await lent.waitUntilIdle()
        await core.registry.waitUntilIdle()
    }

    /// The deliveries in hand, and the runs that are going on.
    package var inFlight: (deliveries: Int, runs: Int) { (lent.count, core.registry.count) }

    // MARK: Pauses

    /// From now on deliveries of these queues go back as soon as they only wait; those of other queues are kept.
    func yield(queues: Set<String>) { lent.yield(queues: queues) }

    /// How many deliveries of each queue wait for a dependency that is out of order.
    var heldDeliveries: [String: Int] { lent.held }

    /// Tells `listener` when `heldDeliveries` may have changed; it must return at once.
    func whenHeldChange(_ listener: @escaping @Sendable () -> Void) { lent.listen(listener) }

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
