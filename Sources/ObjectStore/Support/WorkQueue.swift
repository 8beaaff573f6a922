// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization

/// A thread beside the cooperative pool for what blocks or computes for long: file reads and hashing.
///
/// A serial queue: its work is done in order, and the system gives it a thread while there is any.
struct WorkQueue: Sendable {
    private let queue: DispatchQueue

    init(_ label: String) { queue = DispatchQueue(label: "object-store.\(label)") }

    /// Runs `work` on the queue and returns its result; not cancelled half way.
    func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: work()) }
        }
    }

    /// Begins `work` behind everything that was begun before.
    func start<Value: Sendable>(_ work: @escaping @Sendable () -> Value) -> WorkResult<Value> {
        let result = WorkResult<Value>()
        queue.async { result.finish(work()) }
        return result
    }
}

/// What work that was begun comes to; one task waits for it.
final class WorkResult<Value: Sendable>: Sendable {
    private enum State {
        case pending(CheckedContinuation<Value, Never>?)
        case done(Value)
    }

    private let state: Mutex<State>

    fileprivate init() { state = Mutex(.pending(nil)) }

    /// Nothing is to be waited for.
    init(_ value: Value) { state = Mutex(.done(value)) }

    fileprivate func finish(_ value: Value) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, Never>? in
            defer { state = .done(value) }
            if case .pending(let waiting) = state { return waiting }
            return nil
        }
        waiting?.resume(returning: value)
    }

    /// Waits also in a task that was cancelled: the work goes on until it is done.
    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Value? in
                    if case .done(let value) = state { return value }
                    state = .pending(continuation)
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}
