// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What became known about a dependency.
package enum HealthChange: Sendable, Hashable {
    /// It is out of order from now on, or for another reason than before.
    case opened(Outage)
    /// It serves again.
    case closed(Outage)
}

/// The health of everything that commands depend on: a fault of the surroundings pauses, it never costs a command.
///
/// A dependency is out of order when a probe of it fails, or after a streak of like refusals of different commands. From
/// then on it is probed with back-off until it serves again; whoever needs it waits in `untilHealthy`.
package final class DependencyHealth: Sendable {
    struct State {
        var ledger: HealthLedger
        /// The probe that is under way for each dependency; whoever asks meanwhile shares its answer.
        var examinations: [Dependency: Task<Bool, Never>] = [:]
        /// The probing of each outage, until it is over, and what each probe looks into.
        var recoveries: [Dependency: Task<Void, Never>] = [:]
        var suspicions: [Dependency: Suspicion] = [:]
        /// When a probe last found each dependency in order.
        var proven: [Dependency: Duration] = [:]
        var waiting: [Dependency: [Int: CheckedContinuation<Void, Never>]] = [:]
        var nextID = 0
        var listeners: [@Sendable (HealthChange) -> Void] = []
        var hasStopped = false
    }

    let policy: HealthPolicy
    let probe: any DependencyProbe
    let environment: any PipelineEnvironment
    let state: Mutex<State>

    package init(policy: HealthPolicy, probe: any DependencyProbe, environment: any PipelineEnvironment) {
        self.policy = policy
        self.probe = probe
        self.environment = environment
        state = Mutex(State(ledger: HealthLedger(policy: policy)))
    }

    /// Tells `listener` of every change from now on; it must return at once.
    package func listen(_ listener: @escaping @Sendable (HealthChange) -> Void) {
        state.withLock { $0.listeners.append(listener) }
    }

    /// What is out of order now, in a fixed order.
    package var outages: [Outage] {
        state.withLock { Array($0.ledger.outages.values) }.sorted { "\($0.dependency)" < "\($1.dependency)" }
    }

    /// What keeps work for `tenant` (nil: for nobody in particular) from beginning.
    package func obstacle(for tenant: String?) -> Outage? { state.withLock { $0.ledger.obstacle(for: tenant) } }

    package func isHealthy(_ dependency: Dependency) -> Bool {
        state.withLock { $0.ledger.outages[dependency] == nil }
    }

    /// No probe begins any more: the worker ends.
    package func stop() { _ = stopProbing() }

    /// The same, and returns when the probes under way have cleaned up after themselves, at the latest after `patience`.
    func stop(patience: Duration) async {
        let (recoveries, examinations) = stopProbing()
        let (over, isOver) = AsyncStream.makeStream(of: Void.self)
        Task {
            for task in recoveries { await task.value }
            for task in examinations { _ = await task.value }
            isOver.finish()
        }
        let timer = Task {
            try await environment.sleep(patience)
            isOver.finish()
        }
        for await _ in over {}
        timer.cancel()
    }

    private func stopProbing() -> (recoveries: [Task<Void, Never>], examinations: [Task<Bool, Never>]) {
        let (recoveries, examinations) = state.withLock { state in
            state.hasStopped = true
            defer { state.recoveries = [:] }
            return (Array(state.recoveries.values), Array(state.examinations.values))
        }
        for task in recoveries { task.cancel() }
        return (recoveries, examinations)
    }

    // MARK: What calls showed

    package func succeeded(_ dependency: Dependency) { state.withLock { $0.ledger.succeeded(dependency) } }

    /// What an error of a call to `dependency` is: a fault of the surroundings, where the dependency it points at does not
    /// serve anybody; else the command's own.
    package func judged(_ error: StepError, of dependency: Dependency?) async -> StepError {
        switch error.kind {
        case .surroundings(let named):
            if await isDown(named, because: .fault(error)) { return fault(of: named, error) }
            // No answer at all may be bad luck as long as it likes; a refusal of this command alone is not. A 401 is no such
            // refusal: it is about the account, which every command uses, and the probe may have had a token alone to go by.
            let limit = error.httpStatus == nil || error.httpStatus == 401 ? nil : 5
            return StepError(
                .transient(limit: limit, thenFailsWith: named.refusalCode), error.message, httpStatus: error.httpStatus)
        case .transient(limit: nil, _), .ambiguous:
            guard let dependency, isFailingForLong(dependency) || !isHealthy(dependency),
                await isDown(dependency, because: .fault(error))
            else { return error }
            return fault(of: dependency, error)
        case .permanent, .throttled, .gone, .transient, .linkExpired, .unreadable:
            if let dependency { succeeded(dependency) }
            return error
        case .overtaken, .interrupted:
            return error
        }
    }

    /// Whether the dependency is out of order: as far as is known, or as a probe finds now.
    package func isDown(_ dependency: Dependency, because suspicion: Suspicion) async -> Bool {
        let examination = state.withLock { state -> Task<Bool, Never>? in
            if state.ledger.outages[dependency] != nil { return nil }
            if let known = state.examinations[dependency] { return known }
            let task = Task { await self.examine(dependency, because: suspicion) }
            state.examinations[dependency] = task
            return task
        }
        return await examination?.value ?? true
    }

    private func examine(_ dependency: Dependency, because suspicion: Suspicion) async -> Bool {
        let found: StepError?
        do throws(StepError) {
            try await probe.probe(dependency, because: suspicion)
            found = nil
            succeeded(dependency)
            let now = environment.now()
            state.withLock { $0.proven[dependency] = now }
        } catch {
            found = error.disproves ? error : nil
        }
        if let found { open(dependency, found.message, because: suspicion) }
        state.withLock { $0.examinations[dependency] = nil }
        return found != nil
    }

    private func isFailingForLong(_ dependency: Dependency) -> Bool {
        let now = environment.now()
        return state.withLock { $0.ledger.failed(dependency, at: now) }
    }

    private func fault(of dependency: Dependency, _ error: StepError) -> StepError {
        let reason = state.withLock { $0.ledger.outages[dependency]?.reason }
        return StepError(.surroundings(dependency), reason ?? error.message, httpStatus: error.httpStatus)
    }
}

// MARK: Refusals

extension DependencyHealth {
    /// A call of that stage was answered with success.
    package func accepted(_ tenant: String, stage: Stage) {
        guard state.withLock({ $0.ledger.accepted(tenant, stage: stage) }) else { return }
        close(.tenant(tenant))
    }

    /// Whether a final answer to one command would be given to any: the dependency itself is out of order.
    ///
    /// A flood of refusals costs one probe in `probeInitial`.
    package func refusesEverybody(_ dependency: Dependency, as error: StepError) async -> Bool {
        let now = environment.now()
        let isFresh = state.withLock { state in
            guard state.ledger.outages[dependency] == nil, let last = state.proven[dependency] else { return false }
            return now - last < policy.probeInitial
        }
        return isFresh ? false : await isDown(dependency, because: .fault(error))
    }

    /// Whether a command that a tenant refused has to wait, because the tenant seems to refuse everybody.
    package func holds(_ command: ExportCommand, refused refusal: Refusal, _ error: StepError) -> Bool {
        let tenant = Dependency.tenant(command.tenant)
        let (verdict, streak) = state.withLock { state in
            (state.ledger.refused(command, refusal), state.ledger.streak(of: command.tenant))
        }
        guard verdict != .settle, let streak else { return false }
        let reason =
            "\(streak.commands.count) commands of tenant \(command.tenant) in a row were refused alike, the last: "
            + "\(error.message); correct baseUrl, the account's permissions or its scope, or let the refusals count with "
            + "nlu-export-worker resume --tenant \(command.tenant)"
        open(tenant, reason, because: .refusals(streak.commands, error))
        return verdict == .hold
    }

    /// Believes the refusals of a tenant, and goes on.
    package func vouch(for tenant: String) {
        state.withLock { $0.ledger.vouch(for: tenant) }
        close(.tenant(tenant))
    }
}

// MARK: Outages

extension DependencyHealth {
    /// The operator's word: what may not be worked on, each with the reason; replaces what was said before.
    package func withhold(_ consents: [Dependency: String]) {
        for outage in outages {
            if case .consent = outage.dependency, consents[outage.dependency] == nil { close(outage.dependency) }
        }
        for (consent, reason) in consents.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            open(consent, reason, because: nil)
        }
    }

    /// A fault that needs no probe to be believed.
    package func report(_ dependency: Dependency, _ error: StepError) {
        open(dependency, error.message, because: .fault(error))
    }

    /// Returns when the dependency serves, or at once when the task is cancelled.
    package func untilHealthy(_ dependency: Dependency) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    let waits = state.ledger.outages[dependency] != nil && !Task.isCancelled
                    if waits { state.waiting[dependency, default: [:]][id] = continuation }
                    return waits
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting[dependency]?.removeValue(forKey: id) }?.resume()
        }
    }
}

extension StepError {
    /// Whether a probe that ended so shows a dependency out of order.
    fileprivate var disproves: Bool {
        switch kind {
        case .interrupted, .throttled: false
        default: true
        }
    }
}
