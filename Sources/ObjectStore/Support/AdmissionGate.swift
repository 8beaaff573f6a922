// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Lets a fixed number in at a time, in the order they came.
final class AdmissionGate: Sendable {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var active = 0
        var lastID: UInt64 = 0
        /// Waiters from `head` on; nil where one was cancelled.
        var waiters: [Waiter?] = []
        var head = 0
        var waiting = 0

        mutating func popFirst() -> Waiter? {
            while head < waiters.count {
                let waiter = waiters[head]
                waiters[head] = nil
                head += 1
                if head > 64, head * 2 > waiters.count {
                    waiters.removeFirst(head)
                    head = 0
                }
                if let waiter {
                    waiting -= 1
                    return waiter
                }
            }
            return nil
        }

        mutating func remove(_ id: UInt64) -> Waiter? {
            guard let index = waiters[head...].firstIndex(where: { $0?.id == id }) else { return nil }
            defer { waiters[index] = nil }
            waiting -= 1
            return waiters[index]
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(1, limit) }

    /// How many are in, and how many wait.
    var counts: (active: Int, waiting: Int) { state.withLock { ($0.active, $0.waiting) } }

    /// Waits for a turn; false when the task was cancelled before it came, and then there is nothing to leave.
    func enter() async -> Bool {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // A cancellation after this look finds the waiter in the list.
                    if Task.isCancelled { return false }
                    if state.active < limit, state.waiting == 0 {
                        state.active += 1
                        return true
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    state.waiting += 1
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.remove(id) }?.continuation.resume(returning: false)
        }
    }

    /// Ends a turn and gives it to the next in line; returns how many are still in.
    func leave() -> Int {
        let (next, active) = state.withLock { state -> (Waiter?, Int) in
            let next = state.popFirst()
            if next == nil { state.active -= 1 }
            return (next, state.active)
        }
        next?.continuation.resume(returning: true)
        return active
    }
}
