// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Synchronization

/// What a publisher's thread and its callers share.
final class PublisherCore: Sendable {
    typealias Outcome = Result<AMQPPublishResult, AMQPError>

    /// A caller who waits for the outcome of a publish.
    private struct Waiter {
        var continuation: CheckedContinuation<Outcome, Never>
        var deadline: ContinuousClock.Instant
        var isSent = false
    }

    private struct Pending {
        var id: UInt64
        var message: AMQPMessage
    }

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        /// Not written yet, oldest first.
        var pending: Deque<Pending> = []
        var nextID: UInt64 = 0
        /// No deadline is earlier than this.
        var nextDeadline: ContinuousClock.Instant?
        var isStopped = false
    }

    let control: ConnectionControl
    private let maximumWaiting: Int
    private let state = Mutex(State())

    init(maximumWaiting: Int) throws(AMQPError) {
        control = try ConnectionControl()
        self.maximumWaiting = maximumWaiting
    }

    var status: AMQPConnectionStatus {
        var status = control.status
        status.outstanding = state.withLock { $0.waiters.count }
        return status
    }

    // MARK: Callers

    func publish(_ message: AMQPMessage, timeout: Duration) async -> Outcome {
        let deadline = ContinuousClock.now + timeout
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let refusal = state.withLock { state -> AMQPError? in
                    if let refusal = refuse(state) { return refusal }
                    state.waiters[id] = Waiter(continuation: continuation, deadline: deadline)
                    state.pending.append(Pending(id: id, message: message))
                    state.nextDeadline = min(state.nextDeadline ?? deadline, deadline)
                    return nil
                }
                if let refusal {
                    continuation.resume(returning: .failure(refusal))
                } else {
                    control.wakeUp.signal()
                }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func refuse(_ state: State) -> AMQPError? {
        if state.isStopped {
            return AMQPError(.shutDown, "The publisher was shut down: nothing was sent.", isRetriable: false)
        }
        if Task.isCancelled { return PublisherCore.cancelled(wasSent: false) }
        guard state.pending.count < maximumWaiting else {
            return AMQPError(
                .overloaded, "\(maximumWaiting) publishes wait already: publish less, or see why the broker is slow.")
        }
        return nil
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state in
            // Dead entries must not fill the queue while there is no connection.
            if let index = state.pending.firstIndex(where: { $0.id == id }) { state.pending.remove(at: index) }
            return state.waiters.removeValue(forKey: id)
        }
        waiter?.continuation.resume(returning: .failure(PublisherCore.cancelled(wasSent: waiter?.isSent ?? false)))
    }

    private static func cancelled(wasSent: Bool) -> AMQPError {
        AMQPError(
            .cancelled,
            wasSent
                ? "The publish was cancelled before its confirm; the broker may have the message."
                : "The publish was cancelled before it was sent.", wasSent: wasSent)
    }

    /// Asks everything to end.
    func stop() {
        state.withLock { $0.isStopped = true }
        if control.requestStop() { end() }
    }

    // MARK: The thread

    /// When `expire` has something to do.
    var nextDeadline: ContinuousClock.Instant? { state.withLock { $0.nextDeadline } }

    /// Whether something waits to be written.
    var hasPending: Bool { state.withLock { !$0.pending.isEmpty } }

    /// Publishes that were written and somebody still waits for.
    var sentCount: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + ($1.isSent ? 1 : 0) } } }

    /// The next message to write; from here on it counts as sent.
    func takePending() -> (id: UInt64, message: AMQPMessage)? {
        state.withLock { state in
            while let next = state.pending.popFirst() {
                guard state.waiters[next.id] != nil else { continue }
                state.waiters[next.id]?.isSent = true
                return (next.id, next.message)
            }
            return nil
        }
    }

    /// The outcome for one caller, unless it has given up.
    func resolve(_ id: UInt64, _ outcome: Outcome) {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.continuation.resume(returning: outcome)
    }

    /// Ends every wait whose time is up; `unsent` is what to say of those that were not written. Returns how
    /// many written ones were among them.
    func expire(at now: ContinuousClock.Instant, unsent: () -> AMQPError) -> Int {
        let expired = state.withLock { state -> [Waiter] in
            guard let next = state.nextDeadline, next <= now else { return [] }
            let due = state.waiters.filter { $0.value.deadline <= now }
            for id in due.keys { state.waiters[id] = nil }
            state.pending.removeAll { due[$0.id] != nil }
            state.nextDeadline = state.waiters.values.map(\.deadline).min()
            return Array(due.values)
        }
        for waiter in expired {
            waiter.continuation.resume(returning: .failure(waiter.isSent ? PublisherCore.noConfirm : unsent()))
        }
        return expired.count { $0.isSent }
    }

    private static let noConfirm = AMQPError(
        .confirmTimeout,
        "The broker did not confirm a message in time; it may have it. Publish it again with the same "
            + "message id.", wasSent: true)

    /// All is over: whoever still waits is told so.
    func end() {
        let waiters = state.withLock { state in
            state.isStopped = true
            state.pending = []
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values {
            let text = waiter.isSent ? "before the broker confirmed the message; it may have it" : "before it was sent"
            waiter.continuation.resume(
                returning: .failure(
                    AMQPError(
                        .shutDown, "The publisher was shut down \(text).", isRetriable: false, wasSent: waiter.isSent)))
        }
        control.finish()
    }
}
