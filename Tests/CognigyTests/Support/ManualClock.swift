// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Cognigy
import Synchronization

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
    private struct Sleeper {
        let id: Int
        let deadline: Duration
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now: Duration = .seconds(1000)
        var wall: Int64 = 784_111_777  // Sun, 06 Nov 1994 08:49:37 GMT
        var nextID = 0
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var now: Duration { state.withLock { $0.now } }
    var sleeping: Int { state.withLock { $0.sleepers.count } }

    var clock: TenantClock {
        TenantClock(
            now: { self.now }, wallSeconds: { self.state.withLock { $0.wall } },
            sleepUntil: { try await self.sleep(until: $0) })
    }

    /// Moves time and wakes whoever is due.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            state.wall += duration.components.seconds
            let due = state.sleepers.filter { $0.deadline <= state.now }
            state.sleepers.removeAll { $0.deadline <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume(returning: true) }
    }

    /// Returns when so many tasks sleep at once, or when the test is cancelled because it took too long.
    func waitForSleepers(_ count: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.sleepers.count >= count || Task.isCancelled { return true }
                    state.watchers.append((count, continuation))
                    return false
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            let watchers = state.withLock { state in
                defer { state.watchers = [] }
                return state.watchers
            }
            for watcher in watchers { watcher.continuation.resume() }
        }
    }

    private func sleep(until deadline: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let woke = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let verdict = add(Sleeper(id: id, deadline: deadline, continuation: continuation))
                if let verdict { continuation.resume(returning: verdict) }
            }
        } onCancel: {
            remove(id)?.continuation.resume(returning: false)
        }
        if !woke { throw CancellationError() }
    }

    private func add(_ sleeper: Sleeper) -> Bool? {
        let (verdict, watchers): (Bool?, [CheckedContinuation<Void, Never>]) = state.withLock { state in
            if state.cancelled.contains(sleeper.id) { return (false, []) }
            if sleeper.deadline <= state.now { return (true, []) }
            state.sleepers.append(sleeper)
            let ready = state.watchers.filter { $0.count <= state.sleepers.count }.map(\.continuation)
            state.watchers.removeAll { $0.count <= state.sleepers.count }
            return (nil, ready)
        }
        for watcher in watchers { watcher.resume() }
        return verdict
    }

    private func remove(_ id: Int) -> Sleeper? {
        state.withLock { state in
            state.cancelled.insert(id)
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
            return state.sleepers.remove(at: index)
        }
    }
}
