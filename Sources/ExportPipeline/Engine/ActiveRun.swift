// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A run that is going on in this process, and the deliveries that wait for its end.
///
/// A run can outlast the deliveries that wait for it (the broker wants them back after a while) and serve those that come
/// later. One that only waits for a dependency and that nobody waits for is released, so that another worker can have it.
final class ActiveRun: Sendable {
    private struct State {
        var end: RunEnd?
        var isHeld = false
        var attending = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextID = 0
    }

    let fingerprint: String
    /// The version tag of the checkpoint that its first write replaces; nil where that creates it.
    let replaced: String?
    /// `yielding` while nobody waits for the run.
    let control = StopControl()
    private let state = Mutex(State())

    init(fingerprint: String, replaced: String?) {
        self.fingerprint = fingerprint
        self.replaced = replaced
    }

    /// The run has ended.
    func finish(_ end: RunEnd) { wakeAll { $0.end = end } }

    /// The run waits for a dependency, or no longer.
    func note(isHeld: Bool) { wakeAll { $0.isHeld = isHeld } }

    /// Waits for the end of the run; nil where the delivery has to be let go before.
    func attend(as delivery: StopControl) async -> RunEnd? {
        enter()
        defer { leave(delivery) }
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        delivery.whenReaching(.yielding) { self.wake(id) }
        while true {
            let (end, isHeld) = state.withLock { ($0.end, $0.isHeld) }
            if let end { return end }
            delivery.note(isHeld: isHeld)
            if Self.mustLeave(delivery, isHeld: isHeld) { return nil }
            await waitForNews(id, delivery)
        }
    }

    /// A soft stop reaches the run too: its end is near, and worth waiting for.
    private static func mustLeave(_ delivery: StopControl, isHeld: Bool) -> Bool {
        switch delivery.level {
        case .running, .soft, .hard: false
        case .yielding: isHeld
        case .due: true
        }
    }

    private func waitForNews(_ id: Int, _ delivery: StopControl) async {
        await withCheckedContinuation { continuation in
            let hasNews = state.withLock { state in
                let hasNews =
                    state.end != nil || Self.mustLeave(delivery, isHeld: state.isHeld)
                    || delivery.isHeld != state.isHeld
                if !hasNews { state.waiting[id] = continuation }
                return hasNews
            }
            if hasNews { continuation.resume() }
        }
    }

    private func enter() {
        state.withLock { state in
            state.attending += 1
            control.goOn()
        }
    }

    private func leave(_ delivery: StopControl) {
        delivery.note(isHeld: false)
        state.withLock { state in
            state.attending -= 1
            // Under the lock: a delivery that comes at this moment must find the run going on, or already yielding.
            if state.attending == 0 { control.stop(.yielding) }
        }
    }

    private func wake(_ id: Int) { state.withLock { $0.waiting.removeValue(forKey: id) }?.resume() }

    private func wakeAll(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.waiting = [:] }
            return state.waiting
        }
        for (_, continuation) in waiting.sorted(by: { $0.key < $1.key }) { continuation.resume() }
    }
}

/// The runs that are going on in this process, one for each command.
final class RunRegistry: Sendable {
    private struct State {
        var runs: [String: ActiveRun] = [:]
        var level = StopLevel.running
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.runs.count } }

    func contains(_ key: String) -> Bool { state.withLock { $0.runs[key] != nil } }

    /// The run of `key`: the one going on, or the one that `body` carries out from now on in a task of its own.
    func join(
        _ key: String, fingerprint: String, replaced: String?, _ body: @escaping @Sendable (ActiveRun) async -> RunEnd
    ) -> ActiveRun {
        let (run, isNew, level) = state.withLock { state in
            if let run = state.runs[key] { return (run, false, state.level) }
            let run = ActiveRun(fingerprint: fingerprint, replaced: replaced)
            state.runs[key] = run
            return (run, true, state.level)
        }
        guard isNew else { return run }
        run.control.stop(level)
        Task {
            let end = await body(run)
            remove(key)
            run.finish(end)
        }
        return run
    }

    private func remove(_ key: String) {
        let idle = state.withLock { state in
            state.runs[key] = nil
            guard state.runs.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.idle = [] }
            return state.idle
        }
        for continuation in idle { continuation.resume() }
    }

    /// Stops every run, those that begin later too.
    func stop(_ level: StopLevel) {
        let runs = state.withLock { state in
            state.level = max(state.level, level)
            return state.runs
        }
        for (_, run) in runs.sorted(by: { $0.key < $1.key }) { run.control.stop(level) }
    }

    /// Returns once no run is going on.
    func waitUntilIdle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if !state.runs.isEmpty { state.idle.append(continuation) }
                return state.runs.isEmpty
            }
            if isIdle { continuation.resume() }
        }
    }
}
