// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The deliveries that the broker has lent to this process, and how firmly they should be let go.
///
/// One timer serves all of them: each is kept for the same time, so that they fall due in the order in which they came.
final class LentDeliveries: Sendable {
    private struct Entry {
        let queue: String
        let control: StopControl
        /// When the delivery has to go back, on the environment's clock.
        let due: Duration?
    }

    private struct State {
        var next = 0
        /// None before it is still lent and not yet due.
        var oldest = 1
        var timer: Task<Void, any Error>?
        var level = StopLevel.running
        var yielding: Set<String> = []
        var controls: [Int: Entry] = [:]
        var held: [String: Int] = [:]
        var idle: [CheckedContinuation<Void, Never>] = []
        var listener: (@Sendable () -> Void)?

        /// In the order in which they came.
        var ordered: [Entry] { controls.sorted { $0.key < $1.key }.map(\.value) }

        /// The first that falls due.
        mutating func firstDue() -> Duration? {
            while oldest <= next {
                if let entry = controls[oldest] { return entry.due }
                oldest += 1
            }
            return nil
        }
    }

    private let lease: Duration?
    private let environment: any PipelineEnvironment
    private let state = Mutex(State())

    /// - Parameter lease: how long a delivery is kept before it is stopped as `due`; nil for as long as it takes.
    init(lease: Duration?, environment: any PipelineEnvironment) {
        self.lease = lease
        self.environment = environment
    }

    var count: Int { state.withLock { $0.controls.count } }

    /// How many deliveries of each queue wait for a dependency that is out of order.
    var held: [String: Int] { state.withLock { $0.held } }

    func listen(_ listener: @escaping @Sendable () -> Void) { state.withLock { $0.listener = listener } }

    func enter(from queue: String) -> (id: Int, control: StopControl) {
        state.withLock { state in
            let level = max(state.level, state.yielding.contains(queue) ? .yielding : .running)
            let control = StopControl(level) { [weak self] in self?.count(queue, isHeld: $0) }
            state.next += 1
            state.controls[state.next] = Entry(
                queue: queue, control: control, due: lease.map { environment.now() + $0 })
            if lease != nil, state.timer == nil { state.timer = Task { try await self.stopWhatIsDue() } }
            return (state.next, control)
        }
    }

    private func stopWhatIsDue() async throws {
        while let due = nextDue() {
            try await environment.sleep(max(.zero, due - environment.now()))
            while let control = takeDue() { control.stop(.due) }
        }
    }

    /// When the timer has to look again; nil where it has ended.
    private func nextDue() -> Duration? {
        state.withLock { state in
            // Cancelled under the same lock: what is in `state` now may be the timer after this one.
            guard !Task.isCancelled else { return nil }
            let due = state.firstDue()
            if due == nil { state.timer = nil }
            return due
        }
    }

    private func takeDue() -> StopControl? {
        let now = environment.now()
        return state.withLock { state in
            guard let due = state.firstDue(), due <= now else { return nil }
            defer { state.oldest += 1 }
            return state.controls[state.oldest]?.control
        }
    }

    func leave(_ id: Int) {
        let idle = state.withLock { state in
            state.controls[id] = nil
            guard state.controls.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            state.timer?.cancel()
            state.timer = nil
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
        for entry in controls { entry.control.stop(level) }
    }

    func yield(queues: Set<String>) {
        let controls = state.withLock { state in
            state.yielding = queues
            return state.ordered
        }
        for entry in controls {
            if queues.contains(entry.queue) { entry.control.stop(.yielding) } else { entry.control.goOn() }
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

    private func count(_ queue: String, isHeld: Bool) {
        let listener = state.withLock { state in
            state.held[queue, default: 0] += isHeld ? 1 : -1
            return state.listener
        }
        listener?()
    }
}
