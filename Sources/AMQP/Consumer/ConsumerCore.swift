// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What a consumer's thread and its callers share.
final class ConsumerCore: Sendable {
    /// A settlement on its way to the thread; its tag is out of the ledger already.
    struct PendingSettlement {
        var tag: UInt64
        var queue: String?
        var how: AMQPSettlement
        var continuation: CheckedContinuation<AMQPSettleResult, Never>
    }

    /// What a look at a queue, on a connection of its own, found.
    struct ProbeResult {
        var queue: String
        var number: UInt64
        var error: AMQPError?
    }

    /// What callers ask of the thread.
    struct Requests {
        /// As many as there are deliveries at most: each needs a tag from the ledger.
        var settlements: [PendingSettlement] = []
        /// Callers that wait until pausing or resuming has been carried out.
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// One per queue at most.
        var probes: [ProbeResult] = []
    }

    private struct State {
        var ledger = SettlementLedger()
        var requests = Requests()
        var paused: Set<String> = []
    }

    let control: ConnectionControl
    let deliveries: DeliveryQueue
    private let state = Mutex(State())

    init(capacity: Int) throws(AMQPError) {
        control = try ConnectionControl()
        deliveries = DeliveryQueue(capacity: capacity)
    }

    func isPaused(_ queue: String) -> Bool { state.withLock { $0.paused.contains(queue) } }

    var status: AMQPConnectionStatus {
        var status = control.status
        state.withLock { state in
            status.outstanding = state.ledger.count
            status.staleSettlements = state.ledger.staleCount
        }
        return status
    }

    // MARK: Callers

    func settle(_ tag: AMQPDeliveryTag, _ how: AMQPSettlement) async -> AMQPSettleResult {
        await withCheckedContinuation { continuation in
            let refusal = state.withLock { state -> AMQPSettleResult? in
                let queue = state.ledger.queue(of: tag)
                let result = state.ledger.take(tag)
                guard result == .sent else { return result }
                state.requests.settlements.append(
                    PendingSettlement(tag: tag.tag, queue: queue, how: how, continuation: continuation))
                return nil
            }
            if let refusal { continuation.resume(returning: refusal) } else { control.wakeUp.signal() }
        }
    }

    /// Changes which queues are paused, and waits until that is carried out (at once without a connection).
    func pause(_ change: (inout Set<String>) -> Void) async {
        state.withLock { change(&$0.paused) }
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if state.ledger.isOpen { state.requests.waiting.append(continuation) }
                return state.ledger.isOpen
            }
            if isOpen { control.wakeUp.signal() } else { continuation.resume() }
        }
    }

    /// Asks everything to end.
    func stop() {
        if control.requestStop() { end() }
    }

    // MARK: The thread

    /// A new channel; returns its generation.
    func begin() -> UInt64 {
        state.withLock { state in
            state.ledger.begin()
            return state.ledger.generation
        }
    }

    /// Notes a delivery before anyone can see it. False when its tag is in use.
    func note(_ tag: UInt64, queue: String) -> Bool {
        state.withLock { $0.ledger.delivered(tag, queue: queue) }
    }

    /// Takes a delivery out for the thread's own settling.
    func take(_ tag: AMQPDeliveryTag) -> Bool {
        state.withLock { $0.ledger.take(tag) == .sent }
    }

    /// Whether a delivery of this queue is not settled yet, or its settlement not written.
    func holds(queue: String) -> Bool {
        state.withLock { state in
            state.ledger.count(queue: queue) > 0 || state.requests.settlements.contains { $0.queue == queue }
        }
    }

    /// What was asked for since the last turn.
    func takeRequests() -> Requests {
        state.withLock { state in
            defer { state.requests = Requests() }
            return state.requests
        }
    }

    func post(_ result: ProbeResult) {
        state.withLock { $0.requests.probes.append(result) }
        control.wakeUp.signal()
    }

    /// The channel is gone: nothing it delivered can be settled any more, what nobody took is forgotten.
    func disconnect() {
        let requests = state.withLock { state in
            state.ledger.end()
            defer { state.requests = Requests() }
            return state.requests
        }
        _ = deliveries.remove()
        for settlement in requests.settlements { settlement.continuation.resume(returning: .disconnected) }
        for continuation in requests.waiting { continuation.resume() }
    }

    /// All is over.
    func end() {
        disconnect()
        deliveries.finish()
        control.finish()
    }
}
