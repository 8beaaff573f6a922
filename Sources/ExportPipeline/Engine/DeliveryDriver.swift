// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Carries out the steps of one delivery until it is settled.
struct DeliveryDriver: Sendable {
    let parts: PipelineParts
    let settings: PipelineSettings
    let delivery: any Delivery
    let subject: DeliveryMachine.Subject
    let foregoneFailure: Failure?
    let registry: RunRegistry
    let owners: OwnerWatch
    let control: StopControl

    /// What the steps of one delivery remember of each other.
    private struct Memory: Sendable {
        /// The version tag of the checkpoint last looked at: what the first write of a run replaces.
        var version: String?
        /// The sinks that have the audit record already, by position.
        var written: Set<Int> = []
    }

    func run() async -> Settlement? {
        let (message, settings) = (delivery.message, settings)
        var machine = DeliveryMachine(subject: subject, policy: settings.run) { accepted, moment in
            Pipeline.conflict(accepted, message: message, settings: settings, at: moment)
        }
        var step = machine.step
        var memory = Memory()
        var settlement: Settlement?
        while step != .done {
            let result = await perform(step, &memory)
            if case .settle(let how) = step { settlement = how }
            step = machine.handle(result, at: parts.environment.moment())
            tell(step, after: result)
        }
        return settlement
    }

    private func perform(_ step: DeliveryStep, _ memory: inout Memory) async -> DeliveryResult {
        switch step {
        case .look:
            let (result, version) = await stoppable(else: (.interrupted, nil)) { await look() }
            memory.version = version
            return await judged(result, of: .objectStore)
        case .run(let start): return await join(start, version: memory.version)
        case .wait(let duration, _): return await yielding { await wait(duration) }
        case .hold(let dependency): return await yielding { await hold(dependency) }
        case .verify(let artifact):
            return await judged(await stoppable(else: .interrupted) { await verify(artifact) }, of: .objectStore)
        case .recordRefusal(let outcome):
            return await judged(await finishing { await record(outcome) }, of: .objectStore)
        case .audit(let outcome):
            let done = memory.written
            let (result, written) = await control.run(cutShortAt: .hard) { await audit(outcome, done) }
            memory.written = written
            return result
        case .announce(let outcome): return await judged(await finishing { await announce(outcome) }, of: .broker)
        case .settle(let settlement): return await settle(settlement)
        case .done: return .settled
        }
    }

    /// A step that is neither begun nor finished once the worker lets go.
    private func stoppable<Value: Sendable>(
        else declined: Value, _ body: @escaping @Sendable () async -> Value
    ) async -> Value {
        guard control.level < .due else { return declined }
        return await control.run(cutShortAt: .due, body)
    }

    /// A wait, which ends as soon as anybody wants the delivery back.
    private func yielding(_ body: @escaping @Sendable () async -> DeliveryResult) async -> DeliveryResult {
        guard control.level == .running else { return .interrupted }
        return await control.run(cutShortAt: .yielding, body)
    }

    /// A step that is finished while the worker drains, and cut short only by a hard stop.
    private func finishing(_ body: @escaping @Sendable () async -> DeliveryResult) async -> DeliveryResult {
        guard control.level < .hard else { return .interrupted }
        return await control.run(cutShortAt: .hard, body)
    }

    private func judged(_ result: DeliveryResult, of dependency: Dependency) async -> DeliveryResult {
        guard case .failed(let error) = result else {
            if result != .interrupted { parts.health.succeeded(dependency) }
            return result
        }
        return .failed(await parts.health.judged(error, of: dependency))
    }

    private func tell(_ next: DeliveryStep, after result: DeliveryResult) {
        let error = if case .failed(let error) = result { error } else { StepError?.none }
        switch next {
        case .wait(let duration, let reason): note(.waiting(duration, reason: reason.rawValue, because: error))
        case .hold(let dependency): note(.held(dependency, because: error))
        default: break
        }
    }
}

// MARK: Looking and running

extension DeliveryDriver {
    private func look() async -> (DeliveryResult, version: String?) {
        guard case .command(let accepted, _) = subject else { return (.interrupted, nil) }
        let key = checkpointKey(accepted)
        do throws(StepError) {
            guard let document = try await parts.state.read(key) else { return (.looked(.missing), nil) }
            return (.looked(try await view(of: document, key: key)), document.version)
        } catch {
            return (.failed(error), nil)
        }
    }

    private func view(of document: StateDocument, key: String) async throws(StepError) -> CheckpointView {
        let checkpoint: Checkpoint
        do throws(UnreadableState) {
            checkpoint = try CheckpointCodec.decode(document.bytes)
        } catch {
            note(.unreadableState("\(key): \(error.message)"))
            return .unreadable(error.message)
        }
        guard let owner = checkpoint.owner else { return .found(checkpoint, .released) }
        if owner == settings.instance {
            return .found(checkpoint, registry.contains(key) ? .runningHere : .leftHere)
        }
        if checkpoint.stage == .decided { return .found(checkpoint, .released) }
        return .found(checkpoint, try await owners.isDead(owner) ? .dead : .alive)
    }

    private func checkpointKey(_ accepted: AcceptedCommand) -> String {
        settings.stateKeys.checkpoint(tenant: accepted.command.tenant, commandID: accepted.command.commandID)
    }

    /// Starts the run, or shares the one that is going on in this process.
    private func join(_ start: RunStart, version: String?) async -> DeliveryResult {
        guard case .command(let accepted, _) = subject, control.level < .due else { return .interrupted }
        let key = checkpointKey(accepted)
        if !registry.contains(key), let outage = obstacle(to: accepted) {
            return .failed(StepError(.surroundings(outage.dependency), outage.reason))
        }
        let run = registry.join(key, fingerprint: accepted.fingerprint) { run in
            await runDriver(accepted, key: key, version: start.base == nil ? nil : version, run).carryOut(start)
        }
        guard let end = await run.attend(as: control) else { return .interrupted }
        // A run of another command that bears the same id says nothing about this one: look at what it left.
        return .runEnded(run.fingerprint == accepted.fingerprint ? end : .overtaken)
    }

    /// What is out of order that a new run would need: better not to begin.
    private func obstacle(to accepted: AcceptedCommand) -> Outage? {
        parts.health.obstacle(for: foregoneFailure == nil ? accepted.command.tenant : nil)
    }

    private func runDriver(
        _ accepted: AcceptedCommand, key: String, version: String?, _ run: ActiveRun
    ) -> RunDriver {
        let setup = RunMachine.Setup(
            accepted: accepted, owner: settings.instance, worker: settings.worker, actor: settings.actor,
            policy: settings.run, auditPrefix: settings.auditPrefix, foregoneFailure: foregoneFailure)
        let writer = CheckpointWriter(store: parts.state, key: key, version: version)
        return RunDriver(parts: parts, settings: settings, setup: setup, run: run, writer: writer)
    }
}

// MARK: Finishing

extension DeliveryDriver {
    private func wait(_ duration: Duration) async -> DeliveryResult {
        do {
            try await parts.environment.sleep(duration)
            return .waited
        } catch {
            return .interrupted
        }
    }

    private func hold(_ dependency: Dependency) async -> DeliveryResult {
        control.note(isHeld: true)
        await parts.health.untilHealthy(dependency)
        control.note(isHeld: false)
        return Task.isCancelled ? .interrupted : .waited
    }

    private func verify(_ artifact: StoredArtifact) async -> DeliveryResult {
        do throws(StepError) {
            let verification = try await parts.artifacts.verify(artifact)
            note(.verifiedAgain(artifact, verification))
            return .verified(verification)
        } catch {
            return .failed(error)
        }
    }

    /// Keeps the outcome of a message that is no run under the digest of the message; the first outcome kept wins.
    private func record(_ outcome: Outcome) async -> DeliveryResult {
        let key = settings.stateKeys.invalid(digest: outcome.runID)
        do throws(StepError) {
            let bytes: [UInt8]
            do { bytes = try CheckpointCodec.encode(outcome) } catch { throw StepError(.transient(), error.message) }
            if case .written = try await parts.state.write(bytes, to: key, if: .absent) { return .recorded(outcome) }
            guard let found = try await parts.state.read(key) else {
                throw StepError(.transient(), "\(key) vanished while it was being written")
            }
            do {
                return .recorded(try CheckpointCodec.decodeOutcome(found.bytes))
            } catch {
                note(.unreadableState("\(key): \(error.message)"))
                throw StepError(.transient(), error.message)
            }
        } catch {
            return .failed(error)
        }
    }

    private func audit(_ outcome: Outcome, _ done: Set<Int>) async -> (DeliveryResult, Set<Int>) {
        let record = AuditRecord(rendering: outcome)
        var done = done
        for (position, sink) in parts.sinks.enumerated() where !done.contains(position) {
            do throws(StepError) {
                try await sink.write(record)
                done.insert(position)
                note(.audited(record, sink: sink.name))
            } catch {
                return (await judged(error, record, sink), done)
            }
        }
        return (.audited, done)
    }

    /// A record that a sink does not take is retried for ever; a sink that takes none is out of order.
    private func judged(_ error: StepError, _ record: AuditRecord, _ sink: any AuditSink) async -> DeliveryResult {
        if error.kind == .interrupted { return .failed(error) }
        let general = await parts.health.judged(error, of: nil)
        if case .surroundings = general.kind { return .failed(general) }
        let place = Dependency.auditSink(sink.name)
        if case .transient(limit: nil, _) = general.kind, general.httpStatus != nil {
            return .failed(await parts.health.judged(general, of: place))
        }
        guard await parts.health.isDown(place, because: .record(record, error)) else { return .failed(general) }
        return .failed(StepError(.surroundings(place), error.message, httpStatus: error.httpStatus))
    }

    private func announce(_ outcome: Outcome) async -> DeliveryResult {
        let event = ExportEvent(rendering: outcome, source: settings.eventSource)
        do throws(StepError) {
            note(.announced(event, try await parts.events.publish(event)))
            return .announced
        } catch {
            return .failed(error)
        }
    }

    /// The one place where a command is settled, and so the only one that acknowledges it: the machine comes here with
    /// `.acknowledge` only from a success that was verified, audited in every sink and confirmed as announced.
    private func settle(_ settlement: Settlement) async -> DeliveryResult {
        let reached = await uncut { await delivery.settle(settlement) }
        note(.settled(settlement, reached: reached))
        return .settled
    }

    private func note(_ event: PipelineEvent) {
        let about =
            switch subject {
            case .command(let accepted, _): PipelineSubject(accepted.command)
            case .refusal(let outcome): PipelineSubject(outcome)
            }
        parts.observer.note(event, of: about)
    }
}
