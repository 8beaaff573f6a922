// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How firmly a worker lets go.
package enum StopLevel: Int, Sendable, Comparable {
    case running
    /// Release what only waits, finish what is moving.
    case soft
    /// Stop everything now.
    case hard

    package static func < (left: StopLevel, right: StopLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Lets one chain of steps be stopped from outside, between two steps or in the middle of one that allows it.
final class StopControl: Sendable {
    private struct State {
        var level = StopLevel.running
        var isInterruptible = false
        var cancel: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    var level: StopLevel { state.withLock { $0.level } }

    /// Stops what is going on as far as `level` allows; a level never falls back.
    func stop(_ level: StopLevel) {
        let cancel = state.withLock { state -> (@Sendable () -> Void)? in
            state.level = max(state.level, level)
            return state.level == .hard || state.isInterruptible ? state.cancel : nil
        }
        cancel?()
    }

    /// Runs one step in a task of its own, which a stop cancels if the step is interruptible or the stop is hard.
    ///
    /// The task is not a child of the caller: cancelling the caller does not tear a write in two.
    func run<Value: Sendable>(
        interruptible: Bool, _ operation: @escaping @Sendable () async -> Value
    ) async -> Value {
        let task = Task { await operation() }
        let isLate = state.withLock { state in
            state.isInterruptible = interruptible
            state.cancel = { task.cancel() }
            return state.level == .hard || (interruptible && state.level == .soft)
        }
        if isLate { task.cancel() }
        let value = await task.value
        state.withLock { $0.cancel = nil }
        return value
    }
}
