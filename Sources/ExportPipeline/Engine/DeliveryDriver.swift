// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Carries out the steps of one delivery until it is settled.
///
/// A class, as what waits for a long time (ten thousand deliveries may) should hold one reference instead of copies.
final class DeliveryDriver: Sendable {
    let core: PipelineCore
    let delivery: any Delivery
    let subject: DeliveryMachine.Subject
    private let foregoneFailure: Failure?
    let control: StopControl

    var parts: PipelineParts { core.parts }
    var settings: PipelineSettings { core.settings }

    init(
        core: PipelineCore, delivery: any Delivery, subject: DeliveryMachine.Subject, foregoneFailure: Failure?,
        control: StopControl
    ) {
        self.core = core
        self.delivery = delivery
        self.subject = subject
        self.foregoneFailure = foregoneFailure
        self.control = control
    }

    /// What the steps of one delivery remember of each other.
    private struct Memory: Sendable {
        /// The version tag of the checkpoint last looked at: what the first write of a run replaces.
        var version: String?
        var hasLooked = false
        /// The sinks that have the audit record already, by position.
        var written: Set<Int> = []
    }

    func run() async -> Settlement? {
        var machine = begin()
        var step = machine.step
        var memory = Memory()
        var settlement: Settlement?
        while step != .done {
            // The run is most of a delivery's life, and not left to `perform`, which keeps room for everything else.
            let result =
                if case .run(let start) = step {
                    await join(start, memory)
                } else {
                    await perform(step, &memory)
                }
            if case .settle(let how) = step { settlement = how }
            step = machine.handle(result, at: parts.environment.moment())
            tell(step, after: result)
        }
        return settlement
    }

    @inline(never)
    private func begin() -> DeliveryMachine {
        let (core, delivery) = (core, delivery)
        return DeliveryMachine(subject: subject, $policy: settings.$run) { accepted, moment in
            Pipeline.conflict(accepted, message: delivery.message, settings: core.settings, at: moment)
        }
    }

    private func perform(_ step: DeliveryStep, _ memory: inout Memory) async -> DeliveryResult {
        switch step {
        case .look:
            let (result, version) = await stoppable(else: (.interrupted, nil)) { await self.look() }
            memory.version = version
            memory.hasLooked = true
            return await judged(result, of: .objectStore)
        case .wait(let duration, _): return await yielding { await self.wait(duration) }
        case .hold(let dependency): return await yielding { await self.hold(dependency) }
        case .verify(let artifact):
            return await judged(await stoppable(else: .interrupted) { await self.verify(artifact) }, of: .objectStore)
        case .recordRefusal(let outcome):
            return await judged(await finishing { await self.record(outcome) }, of: .objectStore)
        case .audit(let outcome):
            let done = memory.written
            let (result, written) = await control.run(cutShortAt: .hard) { await self.audit(outcome, done) }
            memory.written = written
            return result
        case .announce(let outcome): return await judged(await finishing { await self.announce(outcome) }, of: .broker)
        case .settle(let settlement): return await settle(settlement)
        case .run, .done: return .settled
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

    @inline(never)
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
        guard await core.gate.enter(.calls(.objectStore)) else { return (.interrupted, nil) }
        defer { core.gate.leave(.calls(.objectStore)) }
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
            return .found(checkpoint, core.registry.contains(key) ? .runningHere : .leftHere)
        }
        if checkpoint.stage == .decided { return .found(checkpoint, .released) }
        return .found(checkpoint, try await core.owners.isDead(owner) ? .dead : .alive)
    }

    private func checkpointKey(_ accepted: AcceptedCommand) -> String {
        settings.stateKeys.checkpoint(tenant: accepted.command.tenant, commandID: accepted.command.commandID)
    }

    private enum Entry {
        case joined(ActiveRun)
        case declined(DeliveryResult)
    }

    /// Has the command run, and waits for the end of it.
    private func join(_ start: RunStart, _ memory: Memory) async -> DeliveryResult {
        switch enter(start, memory) {
        case .declined(let result): return result
        case .joined(let run):
            guard let end = await run.attend(as: control) else { return .interrupted }
            return .runEnded(answers(run, start, memory) ? end : .overtaken)
        }
    }

    /// Starts the run, or shares the one that is going on in this process.
    @inline(never)
    private func enter(_ start: RunStart, _ memory: Memory) -> Entry {
        guard case .command(let accepted, _) = subject, control.level < .due else { return .declined(.interrupted) }
        let key = checkpointKey(accepted)
        let isGoingOn = core.registry.contains(key)
        // A run that began before this message came may have decided without knowing it yet, and its object may be gone
        // again since: look first.
        if isGoingOn, !memory.hasLooked { return .declined(.runEnded(.overtaken)) }
        if !isGoingOn, let outage = obstacle(to: accepted) {
            return .declined(.failed(StepError(.surroundings(outage.dependency), outage.reason)))
        }
        let replaced = start.base == nil ? nil : memory.version
        let run = core.registry.join(key, fingerprint: accepted.fingerprint, replaced: replaced) { run in
            await self.runDriver(accepted, key: key, version: replaced, run).carryOut(start)
        }
        return .joined(run)
    }

    /// Whether the end of `run` is what `start` asked for; else what the run left has to be looked at.
    ///
    /// A run of another command that bears the same id says nothing about this one. Nor does one that began earlier about
    /// a new run: what it decided may be the very thing that no longer serves, though it does not know yet that it did.
    @inline(never)
    private func answers(_ run: ActiveRun, _ start: RunStart, _ memory: Memory) -> Bool {
        guard case .command(let accepted, _) = subject, run.fingerprint == accepted.fingerprint else { return false }
        if case .newRun = start { return run.replaced == memory.version }
        return true
    }

    /// What is out of order that a new run would need: better not to begin.
    private func obstacle(to accepted: AcceptedCommand) -> Outage? {
        parts.health.obstacle(for: foregoneFailure == nil ? accepted.command.tenant : nil)
    }

    @inline(never)
    private func runDriver(
        _ accepted: AcceptedCommand, key: String, version: String?, _ run: ActiveRun
    ) -> RunDriver {
        let setup = RunMachine.Setup(
            accepted: accepted, owner: settings.instance, worker: settings.worker, actor: settings.actor,
            $policy: settings.$run, auditPrefix: settings.auditPrefix, foregoneFailure: foregoneFailure)
        let writer = CheckpointWriter(store: parts.state, key: key, version: version)
        return RunDriver(core: core, setup: setup, run: run, writer: writer)
    }
}
