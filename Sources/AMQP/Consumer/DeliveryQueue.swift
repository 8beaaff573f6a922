// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Synchronization

/// Deliveries on their way from the connection's thread to the tasks that handle them.
///
/// The broker's prefetch is the bound: it never lends more than that. A broker that does is not followed.
final class DeliveryQueue: Sendable {
    private struct State {
        var waiting: Deque<AMQPDelivery> = []
        var takers: Deque<(id: UInt64, continuation: CheckedContinuation<AMQPDelivery?, Never>)> = []
        var nextID: UInt64 = 0
        var taken: UInt64 = 0
        var isFinished = false
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// Deliveries nobody took yet.
    var count: Int { state.withLock { $0.waiting.count } }

    /// How many deliveries have been taken so far; nil while none waits.
    var takenWhileOthersWait: UInt64? { state.withLock { $0.waiting.isEmpty ? nil : $0.taken } }

    /// Hands a delivery to the longest waiting taker, or keeps it. False when there is no room.
    func push(_ delivery: AMQPDelivery) -> Bool {
        let (taker, hasRoom) = state.withLock { state -> (CheckedContinuation<AMQPDelivery?, Never>?, Bool) in
            if let taker = state.takers.popFirst() {
                state.taken += 1
                return (taker.continuation, true)
            }
            guard state.waiting.count < capacity else { return (nil, false) }
            state.waiting.append(delivery)
            return (nil, true)
        }
        taker?.resume(returning: delivery)
        return hasRoom
    }

    /// The next delivery; nil at the end, or when the task is cancelled.
    func next() async -> AMQPDelivery? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> AMQPDelivery?? in
                    if Task.isCancelled { return .some(nil) }
                    if let delivery = state.waiting.popFirst() {
                        state.taken += 1
                        return .some(delivery)
                    }
                    if state.isFinished { return .some(nil) }
                    state.takers.append((id, continuation))
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let taker = state.withLock { state in
                state.takers.firstIndex { $0.id == id }.map { state.takers.remove(at: $0) }
            }
            taker?.continuation.resume(returning: nil)
        }
    }

    /// Takes back what nobody took: of one queue, or all.
    func remove(queue: String? = nil) -> [AMQPDelivery] {
        state.withLock { state in
            let removed = state.waiting.filter { queue == nil || $0.queue == queue }
            state.waiting.removeAll { queue == nil || $0.queue == queue }
            return Array(removed)
        }
    }

    /// No more deliveries: those that wait are dropped, takers get nil.
    func finish() {
        let takers = state.withLock { state in
            state.isFinished = true
            state.waiting.removeAll()
            defer { state.takers = [] }
            return state.takers
        }
        for taker in takers { taker.continuation.resume(returning: nil) }
    }
}

/// The deliveries of a consumer, over all its connections. Several tasks may iterate; each delivery goes to one.
package struct AMQPDeliveries: AsyncSequence, Sendable {
    package typealias Element = AMQPDelivery
    package typealias Failure = Never

    let queue: DeliveryQueue

    /// How many have been taken so far; nil while none waits to be taken. A number that stays the same for long means
    /// that nobody takes what waits.
    package var takenWhileOthersWait: UInt64? { queue.takenWhileOthersWait }

    package struct AsyncIterator: AsyncIteratorProtocol {
        let queue: DeliveryQueue

        /// Nil after `shutdown`, or when the task is cancelled.
        package func next() async -> AMQPDelivery? { await queue.next() }

        package func next(isolation actor: isolated (any Actor)?) async -> AMQPDelivery? { await queue.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: queue) }
}
