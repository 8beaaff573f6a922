// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import DequeModule

/// A connection to work with, step by step; it must not leave the closure it was given to.
///
/// A step the broker refuses closes the channel: the next step opens another, and what was got and not settled is back
/// in its queue.
package final class AMQPAdminSession {
    let session: Session
    private let flag: CancellationFlag
    private(set) var generation: UInt64 = 1
    private var confirms = false
    private var ledger = ConfirmLedger<UInt64>()
    private var publishCount: UInt64 = 0
    private var verdicts: [UInt64: ConfirmLedger<UInt64>.Verdict] = [:]
    /// Deliveries to a consumer that nobody has taken yet, first come first; its prefetch is the bound.
    var inbox: Deque<AMQPDelivery> = []
    /// Whether deliveries in the inbox have their bodies.
    var keepsBodies = true

    init(_ session: Session, _ flag: CancellationFlag) {
        self.session = session
        self.flag = flag
        session.onEvent = { [unowned self] in note($0) }
    }

    /// What the broker says about itself.
    package var server: AMQPServerInfo { session.server }

    /// Makes sure of an open channel before every step.
    private func channel() throws(AMQPError) -> Session {
        try flag.check()
        try reopen()
        return session
    }

    /// Opens the channel where it is not open. Tags of the one before mean nothing any more.
    func reopen() throws(AMQPError) {
        guard !session.isChannelOpen else { return }
        try session.openChannel()
        generation += 1
        confirms = false
        _ = ledger.reset()
        inbox = []
    }

    /// Throws `cancelled` once the caller has given up.
    func checkCancellation() throws(AMQPError) { try flag.check() }

    // MARK: Topology

    /// Declares, or looks for, everything. Throws at the first object that is refused.
    package func apply(_ topology: AMQPTopology) throws(AMQPError) {
        try channel().apply(topology)
    }

    package func declare(_ exchange: AMQPTopology.Exchange) throws(AMQPError) {
        try channel().declare(exchange, passive: false)
    }

    @discardableResult
    package func declare(_ queue: AMQPTopology.Queue) throws(AMQPError) -> AMQPQueueState {
        try channel().declare(queue, passive: false)
    }

    package func bind(_ binding: AMQPTopology.Binding) throws(AMQPError) {
        try channel().bind(binding)
    }

    package func unbind(_ binding: AMQPTopology.Binding) throws(AMQPError) {
        try channel().unbind(binding)
    }

    /// The counts of a queue; nil when it does not exist.
    package func queue(_ name: String) throws(AMQPError) -> AMQPQueueState? {
        let session = try channel()
        do throws(AMQPError) {
            return try session.declare(AMQPTopology.Queue(name: name), passive: true)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// Whether an exchange exists.
    package func hasExchange(_ name: String) throws(AMQPError) -> Bool {
        let session = try channel()
        do throws(AMQPError) {
            try session.declare(AMQPTopology.Exchange(name: name, kind: "direct"), passive: true)
            return true
        } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    /// Removes the messages that are ready; returns how many.
    @discardableResult
    package func purge(queue: String) throws(AMQPError) -> UInt32 {
        try channel().purge(queue: queue)
    }

    /// Deletes a queue with its messages; returns how many those were. One that is not there counts as deleted.
    @discardableResult
    package func delete(
        queue: String, ifUnused: Bool = false, ifEmpty: Bool = false
    ) throws(AMQPError) -> UInt32 {
        try channel().delete(queue: queue, ifUnused: ifUnused, ifEmpty: ifEmpty)
    }

    package func delete(exchange: String, ifUnused: Bool = false) throws(AMQPError) {
        try channel().delete(exchange: exchange, ifUnused: ifUnused)
    }

    // MARK: Messages

    /// Takes one message; nil when the queue is empty. Settle it: what is not goes back at the end, and counts as
    /// returned where the broker limits deliveries.
    package func get(queue: String) throws(AMQPError) -> AMQPDelivery? {
        let content = try channel().get(queue: queue)
        return content.flatMap { AMQPDelivery($0, queue: queue, generation: generation) }
    }

    /// Settles a message that `get` returned; `.stale` when its channel is gone.
    @discardableResult
    package func settle(_ tag: AMQPDeliveryTag, _ how: AMQPSettlement) throws(AMQPError) -> AMQPSettleResult {
        let session = try channel()
        guard tag.generation == generation else { return .stale }
        try session.settle(tag.tag, how)
        return .sent
    }

    /// Publishes and waits for the confirm. Throws `nacked`, `invalid_message`, and what ends a channel.
    @discardableResult
    package func publish(_ message: AMQPMessage) throws(AMQPError) -> AMQPPublishResult {
        let session = try channel()
        if !confirms {
            try session.selectConfirms()
            confirms = true
        }
        if let problem = message.problem(frameMax: session.frameMax, maximumBodyBytes: 16 << 20) { throw problem }
        publishCount += 1
        let id = publishCount
        ledger.published(
            id,
            key: PublishKey(
                exchange: message.exchange, routingKey: message.routingKey, messageID: message.properties.messageID,
                bodySize: UInt64(message.body.count)))
        try session.publish(message)
        let verdict = try session.awaitEvent("waiting for a confirm") { event in
            note(event)
            return verdicts.removeValue(forKey: id)
        }
        switch verdict {
        case .routed: return .routed
        case .unroutable(let text): return .unroutable(replyText: text)
        case .refused:
            throw AMQPError(
                .nacked,
                "The broker refused to keep the message (basic.nack): a queue is full, or its node is in "
                    + "trouble. Publish it again later.", wasSent: true)
        }
    }

    /// Waits for a delivery to a consumer; false where none came in time.
    func awaitDelivery(within patience: Duration) throws(AMQPError) -> Bool {
        do throws(AMQPError) {
            return try session.awaitEvent("waiting for a message", within: patience) { event in
                guard case .content(let content) = event else { return nil }
                return take(content) ? true : nil
            }
        } catch  where error.code == .timeout {
            return false
        }
    }

    /// Puts a delivery into the inbox; false for any other content.
    @discardableResult
    private func take(_ content: Content) -> Bool {
        guard case .delivery(let consumer, _, _, _, _) = content.head,
            var delivery = AMQPDelivery(content, queue: consumer, generation: generation)
        else { return false }
        if !keepsBodies { delivery.body = [] }
        inbox.append(delivery)
        return true
    }

    private func note(_ event: ChannelEvent) {
        switch event {
        case .confirm(let tag, let multiple, let accepted):
            for (id, verdict) in ledger.decided(tag: tag, multiple: multiple, accepted: accepted) {
                verdicts[id] = verdict
            }
        case .content(let content):
            take(content)
            guard case .returned(_, let text, let exchange, let routingKey) = content.head else { return }
            ledger.returned(
                PublishKey(
                    exchange: exchange, routingKey: routingKey, messageID: content.properties.messageID,
                    bodySize: content.bodySize), replyText: text)
        case .consumerCancelled, .reply, .blocked, .unblocked: break
        }
    }
}
