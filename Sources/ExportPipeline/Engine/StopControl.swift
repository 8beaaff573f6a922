// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How firmly something in flight should be let go.
package enum StopLevel: Int, Sendable, Comparable {
    case running
    /// Give up where nothing but waiting for better times is going on. The only level that can be taken back.
    case yielding
    /// A delivery goes back after the step at hand, though its run goes on: the broker would soon take it away.
    case due
    /// The process ends: release what only waits, finish what is moving.
    case soft
    /// The process ends now.
    case hard

    package static func < (left: StopLevel, right: StopLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Lets one chain of steps be stopped from outside, between two steps or in the middle of one that allows it.
final class StopControl: Sendable {
    private struct State {
        var level = StopLevel.running
        /// From this level on, the step at hand is cut short.
        var threshold = StopLevel.hard
        var cancel: (@Sendable () -> Void)?
        var isHeld = false
    }

    private let state: Mutex<State>
    private let onHeld: @Sendable (Bool) -> Void

    /// - Parameter onHeld: told what `isHeld` has become; must return at once.
    init(_ level: StopLevel = .running, onHeld: @escaping @Sendable (Bool) -> Void = { _ in }) {
        state = Mutex(State(level: level))
        self.onHeld = onHeld
    }

    var level: StopLevel { state.withLock { $0.level } }

    /// Whether what is controlled waits for a dependency that is out of order.
    var isHeld: Bool { state.withLock { $0.isHeld } }

    func note(isHeld: Bool) {
        let hasChanged = state.withLock { state in
            defer { state.isHeld = isHeld }
            return state.isHeld != isHeld
        }
        if hasChanged { onHeld(isHeld) }
    }

    /// Stops what is going on as far as `level` allows; a level never falls back, but for the first.
    func stop(_ level: StopLevel) {
        let cancel = state.withLock { state -> (@Sendable () -> Void)? in
            state.level = max(state.level, level)
            return state.level >= state.threshold ? state.cancel : nil
        }
        cancel?()
    }

    /// Takes `yielding` back.
    func goOn() {
        state.withLock { if $0.level == .yielding { $0.level = .running } }
    }

    /// Runs one step in a task of its own, which is cancelled once the level reaches `threshold`.
    ///
    /// The task is not a child of the caller: cancelling the caller does not tear a write in two.
    func run<Value: Sendable>(
        cutShortAt threshold: StopLevel, _ operation: @escaping @Sendable () async -> Value
    ) async -> Value {
        let task = Task { await operation() }
        whenReaching(threshold) { task.cancel() }
        let value = await task.value
        state.withLock { $0.cancel = nil }
        return value
    }

    /// Calls `action` once, or each time, the level reaches `threshold`, until the next step: at once where it has.
    func whenReaching(_ threshold: StopLevel, _ action: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.threshold = threshold
            state.cancel = action
            return state.level >= threshold
        }
        if isLate { action() }
    }
}
