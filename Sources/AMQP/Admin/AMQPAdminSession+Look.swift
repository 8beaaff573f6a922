// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import DequeModule

/// What a look at a queue does after a message.
package enum AMQPLookStep: Sendable, Hashable {
    /// Look at the next message as well.
    case goOn
    /// Enough was seen.
    case enough
    /// Give everything back at once, even where that changes the order.
    case letGo
}

/// What a look at a queue came to.
package struct AMQPLook: Sendable, Hashable {
    /// The messages that were ready when it began, and the consumers that may take some of them meanwhile.
    package var queue: AMQPQueueState
    /// How many messages were taken and given back, those that were not looked at included.
    package var taken: Int
    /// Whether the messages lie in the queue in the order they had, as far as nobody else took or returned any.
    package var keptOrder: Bool
}

extension AMQPAdminSession {
    /// Looks at the messages of a queue from its head and gives every one back in their order, whatever happens: none is
    /// acknowledged or rejected, and where this process or its connection dies, the broker takes them back by itself,
    /// in their order too.
    ///
    /// Every message taken counts one delivery: a queue with a low delivery limit destroys what is looked at too often.
    ///
    /// A quorum queue delivers what was returned before anything else, in the order of the returns. Once enough was
    /// seen, the rest of the returned messages (those that are marked as redelivered) are therefore taken unseen, so
    /// that all can be returned in the order they had.
    ///
    /// Messages come through consumers and not through basic.get: the broker returns what a dead consumer held in the
    /// order it was delivered, while each get counts as a consumer of its own.
    ///
    /// - Parameters:
    ///   - bound: how many messages are held at the same time at most, up to 65,535; nothing is seen beyond it.
    ///   - first: how many messages will probably be looked at; not many more are taken than are needed.
    ///   - keepsOrder: without, nothing is taken for the order's sake, and all is returned in the way that spends the
    ///     fewest deliveries.
    ///   - visit: gets each message; what it throws ends the look.
    /// - Throws: `not_found` where there is no such queue, what `visit` throws, and what ends a channel or connection.
    package func look(
        at name: String, holdingAtMost bound: Int, first: Int = 16, keepsOrder: Bool = true,
        visit: (AMQPDelivery) throws(AMQPError) -> AMQPLookStep
    ) throws(AMQPError) -> AMQPLook {
        guard let state = try queue(name) else {
            throw AMQPError(.notFound, "The queue '\(name)' does not exist. Declare it first.", isRetriable: false)
        }
        var hand = LookingHand(queue: name, ready: Int(state.messageCount), keepsOrder: keepsOrder)
        do throws(AMQPError) {
            let hasAllReturned = try hand.take(over: self, atMost: min(bound, 65_535), first: first, visit)
            let isInOrder = try hand.giveBack(over: self)
            let hasAll = hasAllReturned || hand.tags.count >= Int(state.messageCount)
            return AMQPLook(queue: state, taken: hand.tags.count, keptOrder: hasAll && isInOrder)
        } catch {
            // What cannot be given back any more, the broker takes back when it sees the channel gone.
            _ = try? hand.giveBack(over: self)
            throw error
        }
    }
}

/// The messages that a look holds, and the consumers they came through.
private struct LookingHand {
    /// How long to wait for a message before asking whether there is one.
    private static let patience = Duration.milliseconds(250)
    /// How often to ask while there is one that does not come.
    private static let asks = 40
    /// How many messages the broker takes back one by one in the order they are returned; what comes faster than it
    /// can write it down it puts in an order of its own.
    private static let orderly = 32

    let queue: String
    /// How many messages there seem to be.
    let ready: Int
    let keepsOrder: Bool
    /// In the order of the deliveries.
    private(set) var tags: [AMQPDeliveryTag] = []
    private var consumers: [String] = []

    init(queue: String, ready: Int, keepsOrder: Bool) {
        self.queue = queue
        self.ready = ready
        self.keepsOrder = keepsOrder
    }

    /// Takes messages as `visit` wants; whether all that were ever returned are among them.
    ///
    /// A consumer's prefetch is for good, so there is another consumer for as many again whenever one has all it may.
    mutating func take(
        over admin: AMQPAdminSession, atMost bound: Int, first: Int,
        _ visit: (AMQPDelivery) throws(AMQPError) -> AMQPLookStep
    ) throws(AMQPError) -> Bool {
        var step = AMQPLookStep.goOn
        var isLastReturned = true
        var allowed = 0
        while tags.count < bound, step != .letGo {
            if tags.count == allowed {
                let more = min(max(first, allowed, 1), bound - allowed)
                try consume(more, over: admin)
                allowed += more
            }
            guard let delivery = try next(over: admin) else { return true }
            tags.append(delivery.tag)
            isLastReturned = delivery.isRedelivered
            if step == .goOn { step = try visit(delivery) }
            // Those behind the first that never was returned were not either.
            if step == .enough, !isLastReturned || !keepsOrder { break }
        }
        return !isLastReturned
    }

    private mutating func consume(_ count: Int, over admin: AMQPAdminSession) throws(AMQPError) {
        // The broker returns what several dead consumers held in the order of their tags.
        let number = String(consumers.count)
        let tag = "look-" + String(repeating: "0", count: max(0, 3 - number.count)) + number
        consumers.append(tag)
        try admin.session.consume(
            AMQPSubscription(queue: queue, prefetch: UInt16(clamping: count), consumerTag: tag), consumerTag: tag)
    }

    /// The next message; nil when the queue is empty.
    private func next(over admin: AMQPAdminSession) throws(AMQPError) -> AMQPDelivery? {
        for _ in 0..<Self.asks {
            try admin.checkCancellation()
            if var delivery = admin.inbox.popFirst() {
                delivery.queue = queue
                return delivery
            }
            // With as many in hand as there were, none is worth waiting for.
            if tags.count < ready, try admin.awaitDelivery(within: Self.patience) { continue }
            if try isEmpty(over: admin) { return nil }
            if admin.inbox.isEmpty { _ = try admin.awaitDelivery(within: Self.patience) }
        }
        throw AMQPError(
            .timeout,
            "The queue '\(queue)' holds messages and delivers none: see whether it lets a single consumer take them "
                + "(x-single-active-consumer), and its state in the broker's pages.")
    }

    /// Whether neither the queue nor the way from it holds a message. What is under way while the broker says that it
    /// has none arrives before the answer to the second question.
    private func isEmpty(over admin: AMQPAdminSession) throws(AMQPError) -> Bool {
        for _ in 0..<2 {
            let state = try admin.session.declare(AMQPTopology.Queue(name: queue), passive: true)
            try admin.checkCancellation()
            guard state.messageCount == 0, admin.inbox.isEmpty else { return false }
        }
        return true
    }

    /// Returns everything, even where the caller has given up meanwhile, and waits until it is back; whether it is in
    /// its order.
    ///
    /// A few messages are returned one by one, which RabbitMQ 4.3 does not count towards the delivery limit. Many go
    /// back with their channel: one step for the queue, and in the order of the deliveries.
    mutating func giveBack(over admin: AMQPAdminSession) throws(AMQPError) -> Bool {
        // With the channel gone they are back already.
        guard admin.session.isChannelOpen else { return true }
        admin.keepsBodies = false
        defer { admin.keepsBodies = true }
        while let tag = consumers.popLast() { try admin.session.cancel(consumerTag: tag) }
        while let delivery = admin.inbox.popFirst() { tags.append(delivery.tag) }
        guard !tags.isEmpty else { return true }
        guard tags.count > Self.orderly, keepsOrder else {
            for tag in tags where tag.generation == admin.generation { try admin.session.settle(tag.tag, .requeue) }
            try awaitReturn(over: admin)
            return tags.count <= Self.orderly
        }
        try admin.session.closeChannel()
        try admin.reopen()
        try awaitReturn(over: admin)
        return true
    }

    /// The broker takes messages back in its own time, those of a requeue too (a quorum queue answers questions before
    /// it has written down what came earlier): whoever looks next should find all of them, or would take what it finds
    /// for the whole queue. Others may take messages meanwhile, so this does not wait for ever.
    private func awaitReturn(over admin: AMQPAdminSession) throws(AMQPError) {
        for _ in 0..<100 {
            let state = try admin.session.declare(AMQPTopology.Queue(name: queue), passive: true)
            let isShared = state.consumerCount > 0
            if state.messageCount >= (isShared ? tags.count : max(ready, tags.count)) { return }
            _ = try admin.awaitDelivery(within: .milliseconds(20))
        }
    }
}
