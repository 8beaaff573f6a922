// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Lets a bounded number of calls to each dependency begin; the others wait in the order they came.
///
/// They would wait anyway, for a connection or for the tenant's pace. But there each of them holds a signed request and
/// everything that led to it; here it holds next to nothing, which counts where thousands of commands come at once.
final class CallGate: Sendable {
    /// What calls stand in line for.
    enum Line: Hashable, Sendable {
        case calls(Dependency)
        /// Artifacts on their way from a tenant to the store.
        case transfers
    }

    private struct Queue {
        var running = 0
        /// Those who wait, in order from `head` on; who is in `order` alone was cancelled.
        var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var order: [UInt64] = []
        var head = 0

        /// True where the turn has come already, nil where the waiter stands in line from now on.
        mutating func enter(_ id: UInt64, _ waiter: CheckedContinuation<Bool, Never>, limit: Int) -> Bool? {
            if running < limit {
                running += 1
                return true
            }
            waiters[id] = waiter
            order.append(id)
            return nil
        }

        mutating func popFirst() -> CheckedContinuation<Bool, Never>? {
            while head < order.count {
                let waiter = waiters.removeValue(forKey: order[head])
                head += 1
                if head > 64, head * 2 > order.count {
                    order.removeFirst(head)
                    head = 0
                }
                if let waiter { return waiter }
            }
            order.removeAll()
            head = 0
            return nil
        }
    }

    private struct State {
        var queues: [Line: Queue] = [:]
        var lastID: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: the most calls of one line at once.
    init(limit: Int) { self.limit = max(1, limit) }

    /// How many stand in line.
    func waiting(_ line: Line) -> Int { state.withLock { $0.queues[line]?.waiters.count ?? 0 } }

    /// Waits for a turn; false when the task is cancelled before it comes, and then there is nothing to leave.
    func enter(_ line: Line) async -> Bool {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    // A cancellation after this look finds the waiter in the queue.
                    if Task.isCancelled { return false }
                    return state.queues[line, default: Queue()].enter(id, continuation, limit: limit)
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.queues[line]?.waiters.removeValue(forKey: id) }?.resume(returning: false)
        }
    }

    /// Ends a turn and gives it to the next in line.
    func leave(_ line: Line) {
        let next = state.withLock { state in
            let next = state.queues[line]?.popFirst()
            if next == nil { state.queues[line]?.running -= 1 }
            return next
        }
        next?.resume(returning: true)
    }
}
