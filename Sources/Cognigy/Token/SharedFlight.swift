// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Synchronization

/// One request whose answer many wait for. A caller that is cancelled leaves; the request and the others stay.
final class SharedFlight<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, StepError>

    private struct State {
        var outcome: Outcome?
        var nextID = 0
        var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    /// Returns the outcome as soon as there is one, or `interrupted` when the calling task is cancelled.
    func outcome() async -> Outcome {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let outcome = join(id, continuation) { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            leave(id)?.resume(returning: Self.interrupted)
        }
    }

    /// Ends the flight and wakes everybody; only the first call counts.
    func complete(_ outcome: Outcome) {
        let waiters = state.withLock { state in
            guard state.outcome == nil else { return [CheckedContinuation<Outcome, Never>]() }
            state.outcome = outcome
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }

    /// Takes the caller in, or says what it need not wait for.
    private func join(_ id: Int, _ continuation: CheckedContinuation<Outcome, Never>) -> Outcome? {
        state.withLock { state in
            if let outcome = state.outcome { return outcome }
            if state.cancelled.remove(id) != nil { return Self.interrupted }
            state.waiters[id] = continuation
            return nil
        }
    }

    private func leave(_ id: Int) -> CheckedContinuation<Outcome, Never>? {
        state.withLock { state in
            if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
            if state.outcome == nil { state.cancelled.insert(id) }
            return nil
        }
    }

    private static var interrupted: Outcome {
        .failure(StepError(.interrupted, "a call was given up while it waited for an access token"))
    }
}
