// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What is known about a connection at this moment.
package struct AMQPConnectionStatus: Sendable, Hashable {
    /// The broker, while connected.
    package var server: AMQPServerInfo?
    /// The broker's reason for blocking publishers, while it does.
    package var blockedReason: String?
    /// Why there is no connection, or why the last one ended.
    package var lastError: AMQPError?
    /// The queues with a running consumer.
    package var consumingQueues: Set<String> = []
    /// Settlements that were dropped because they belonged to an older channel, or were repeated.
    package var staleSettlements: UInt64 = 0
    /// Deliveries held by this process, or publishes the broker has not confirmed.
    package var outstanding = 0
    /// How often a connection was made.
    package var connectCount: UInt64 = 0

    package var isConnected: Bool { server != nil }
    package var isBlocked: Bool { blockedReason != nil }
}

/// The side of a connection that everyone may touch: stop and wake its thread, watch its status and events.
final class ConnectionControl: Sendable {
    /// Where the thread is.
    enum Phase {
        case notStarted
        /// In a call that cannot be interrupted (name resolution, connect, login).
        case connecting
        /// In the poll loop, with or without a connection.
        case turning
        case ended
    }

    private struct State {
        var phase = Phase.notStarted
        var isStopping = false
        var status = AMQPConnectionStatus()
        var listeners: [@Sendable (AMQPConnectionEvent) -> Void] = []
    }

    let wakeUp: WakeUp
    let pulse = Pulse()
    /// Opens when all is over.
    let ended = Latch()
    let events: AsyncStream<AMQPConnectionEvent>
    private let sink: AsyncStream<AMQPConnectionEvent>.Continuation
    private let state = Mutex(State())

    init() throws(AMQPError) {
        wakeUp = try WakeUp()
        // Who listens too slowly misses the oldest; `status` is always right.
        (events, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    var status: AMQPConnectionStatus { state.withLock { $0.status } }

    /// The beats of the thread; nil while there is none.
    var turns: UInt64? {
        let isRunning = state.withLock { $0.phase == .connecting || $0.phase == .turning }
        return isRunning ? pulse.beats : nil
    }

    /// Adds someone who is told of every event from now on, on the thread that emits it.
    func observe(_ listener: @escaping @Sendable (AMQPConnectionEvent) -> Void) {
        state.withLock { $0.listeners.append(listener) }
    }

    func update(_ change: (inout AMQPConnectionStatus) -> Void) {
        state.withLock { change(&$0.status) }
    }

    /// Claims the one run; false when there was one, or it is stopped already.
    func start() -> Bool {
        state.withLock { state in
            guard state.phase == .notStarted, !state.isStopping else { return false }
            state.phase = .turning
            return true
        }
    }

    /// The thread enters or leaves a call that cannot be interrupted; false when it is to end at once.
    func enter(_ phase: Phase) -> Bool {
        state.withLock { state in
            guard state.phase != .ended, !state.isStopping || phase == .turning else { return false }
            state.phase = phase
            return true
        }
    }

    /// Asks the thread to end. True when it cannot answer now (it was never started, or is connecting): the caller then
    /// ends everything in its place, and the thread only cleans up after itself.
    func requestStop() -> Bool {
        let mustEnd = state.withLock { state in
            state.isStopping = true
            guard state.phase == .notStarted || state.phase == .connecting else { return false }
            state.phase = .ended
            return true
        }
        wakeUp.signal()
        return mustEnd
    }

    func emit(_ event: AMQPConnectionEvent) {
        update { status in
            switch event {
            case .connected(let server):
                status.server = server
                status.lastError = nil
                status.connectCount += 1
            case .disconnected(let error):
                status.server = nil
                status.blockedReason = nil
                status.lastError = error
                status.consumingQueues = []
                status.outstanding = 0
            case .blocked(let reason): status.blockedReason = reason
            case .unblocked: status.blockedReason = nil
            case .consumerStarted(let queue): status.consumingQueues.insert(queue)
            case .consumerCancelled(let queue, _): status.consumingQueues.remove(queue)
            case .consumerFailed(let queue, _): status.consumingQueues.remove(queue)
            }
        }
        sink.yield(event)
        for listener in state.withLock({ $0.listeners }) { listener(event) }
    }

    /// All is over: no more events, everyone waiting goes on.
    func finish() {
        state.withLock { state in
            state.phase = .ended
            state.status.server = nil
            state.status.consumingQueues = []
            // They may hold on to whoever holds on to this.
            state.listeners = []
        }
        sink.finish()
        ended.open()
    }
}
