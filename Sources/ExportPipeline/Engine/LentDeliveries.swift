// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The deliveries that the broker has lent to this process, and how firmly they should be let go.
final class LentDeliveries: Sendable {
    private struct State {
        var next = 0
        var level = StopLevel.running
        var yielding: Set<String> = []
        var controls: [Int: (queue: String, control: StopControl)] = [:]
        var idle: [CheckedContinuation<Void, Never>] = []
        var listener: (@Sendable () -> Void)?

        /// In the order in which they came.
        var ordered: [(queue: String, control: StopControl)] { controls.sorted { $0.key < $1.key }.map(\.value) }
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.controls.count } }

    /// How many deliveries of each queue wait for a dependency that is out of order.
    var held: [String: Int] {
        state.withLock { state in
            state.controls.values.reduce(into: [:]) { held, entry in
                if entry.control.isHeld { held[entry.queue, default: 0] += 1 }
            }
        }
    }

    func listen(_ listener: @escaping @Sendable () -> Void) { state.withLock { $0.listener = listener } }

    func enter(from queue: String) -> (id: Int, control: StopControl) {
        state.withLock { state in
            let level = max(state.level, state.yielding.contains(queue) ? .yielding : .running)
            let control = StopControl(level) { [weak self] in self?.tell() }
            state.next += 1
            state.controls[state.next] = (queue, control)
            return (state.next, control)
        }
    }

    func leave(_ id: Int) {
        let idle = state.withLock { state in
            state.controls[id] = nil
            guard state.controls.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.idle = [] }
            return state.idle
        }
        for continuation in idle { continuation.resume() }
    }

    func stop(_ level: StopLevel) {
        let controls = state.withLock { state in
            state.level = max(state.level, level)
            return state.ordered
        }
        for (_, control) in controls { control.stop(level) }
    }

    func yield(queues: Set<String>) {
        let controls = state.withLock { state in
            state.yielding = queues
            return state.ordered
        }
        for (queue, control) in controls {
            if queues.contains(queue) { control.stop(.yielding) } else { control.goOn() }
        }
    }

    /// Returns once none is left.
    func waitUntilIdle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if !state.controls.isEmpty { state.idle.append(continuation) }
                return state.controls.isEmpty
            }
            if isIdle { continuation.resume() }
        }
    }

    private func tell() { state.withLock { $0.listener }?() }
}
