// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

extension DependencyHealth {
    func open(_ dependency: Dependency, _ reason: String, because suspicion: Suspicion?) {
        let outage = Outage(dependency: dependency, reason: RemoteText.cleaned(reason), since: environment.date())
        let listeners = state.withLock { state -> [@Sendable (HealthChange) -> Void] in
            let isNews = state.ledger.open(outage)
            if let suspicion, !state.hasStopped {
                // Refusals are looked into as such, even where something else was amiss first.
                if state.suspicions[dependency]?.isOfRefusals != true { state.suspicions[dependency] = suspicion }
                if state.recoveries[dependency] == nil {
                    state.recoveries[dependency] = Task { await self.recover(dependency) }
                }
            }
            return isNews ? state.listeners : []
        }
        for listener in listeners { listener(.opened(outage)) }
    }

    func close(_ dependency: Dependency) {
        let (outage, recovery, waiting, listeners) = state.withLock { state in
            state.suspicions[dependency] = nil
            return (
                state.ledger.close(dependency), state.recoveries.removeValue(forKey: dependency),
                state.waiting.removeValue(forKey: dependency), state.listeners
            )
        }
        recovery?.cancel()
        guard let outage else { return }
        for listener in listeners { listener(.closed(outage)) }
        for (_, continuation) in (waiting ?? [:]).sorted(by: { $0.key < $1.key }) { continuation.resume() }
    }

    /// Probes with back-off until the dependency serves.
    private func recover(_ dependency: Dependency) async {
        var backoff = Backoff(initial: policy.probeInitial, maximum: policy.probeMax)
        while true {
            do {
                try await environment.sleep(nextWait(dependency, &backoff))
            } catch {
                return
            }
            guard let suspicion = state.withLock({ $0.suspicions[dependency] }) else { return }
            do throws(StepError) {
                try await probe.probe(dependency, because: suspicion)
                guard !Task.isCancelled else { return }
                // What came up meanwhile has not been looked into.
                guard suspicion.isOfRefusals || !isSuspectedOfRefusals(dependency) else { continue }
                return close(dependency)
            } catch  where !Task.isCancelled {
                if suspicion.isOfRefusals { continue }
                open(dependency, error.message, because: nil)
            } catch {
                return
            }
        }
    }

    private func isSuspectedOfRefusals(_ dependency: Dependency) -> Bool {
        state.withLock { $0.suspicions[dependency]?.isOfRefusals ?? false }
    }

    private func nextWait(_ dependency: Dependency, _ backoff: inout Backoff) -> Duration {
        let jitter = environment.jitter()
        guard case .tenant(let tenant) = dependency, isSuspectedOfRefusals(dependency) else {
            return backoff.next(jitter: jitter)
        }
        return state.withLock { $0.ledger.nextTrial(of: tenant, jitter: jitter) } ?? backoff.next(jitter: jitter)
    }
}

extension Suspicion {
    fileprivate var isOfRefusals: Bool { if case .refusals = self { true } else { false } }
}
