// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

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
    /// How many messages were taken and given back, those included that were only taken to keep the order.
    package var taken: Int
    /// Whether the messages lie in the queue in the order they had, as far as nobody else took or returned any.
    package var keptOrder: Bool
}

extension AMQPAdminSession {
    /// Looks at the messages of a queue from its head and gives every one back, one by one, whatever happens: none is
    /// acknowledged or rejected, and where this process or its connection dies, the broker takes them back itself.
    ///
    /// Every message taken counts one delivery: a queue with a low delivery limit destroys what is looked at too often.
    ///
    /// A quorum queue delivers what was returned before anything else, in the order of the returns. Once enough was
    /// seen, the rest of the returned messages (those that are marked as redelivered) are therefore taken unseen, so that
    /// all can be returned in the order they had.
    ///
    /// - Parameters:
    ///   - bound: how many messages are held at the same time at most; nothing is seen beyond it.
    ///   - visit: gets each message; what it throws ends the look.
    /// - Throws: `not_found` where there is no such queue, what `visit` throws, and what ends a channel or connection.
    package func look(
        at name: String, holdingAtMost bound: Int, visit: (AMQPDelivery) throws(AMQPError) -> AMQPLookStep
    ) throws(AMQPError) -> AMQPLook {
        guard let state = try queue(name) else {
            throw AMQPError(.notFound, "The queue '\(name)' does not exist. Declare it first.", isRetriable: false)
        }
        var held: [AMQPDeliveryTag] = []
        do throws(AMQPError) {
            let hasAllReturned = try take(from: name, into: &held, atMost: bound, visit)
            try giveBack(held, to: name)
            return AMQPLook(
                queue: state, taken: held.count, keptOrder: hasAllReturned || held.count >= Int(state.messageCount))
        } catch {
            // What cannot be given back any more, the broker takes back when it sees the channel gone.
            try? giveBack(held, to: name)
            throw error
        }
    }

    /// Takes messages as `visit` wants; whether all that were ever returned are among them.
    private func take(
        from name: String, into held: inout [AMQPDeliveryTag], atMost bound: Int,
        _ visit: (AMQPDelivery) throws(AMQPError) -> AMQPLookStep
    ) throws(AMQPError) -> Bool {
        var step = AMQPLookStep.goOn
        var isLastReturned = true
        while held.count < bound, step != .letGo {
            guard let delivery = try get(queue: name) else { return true }
            held.append(delivery.tag)
            isLastReturned = delivery.isRedelivered
            if step == .goOn { step = try visit(delivery) }
            // Those behind the first that never was returned were not either.
            if step == .enough, !isLastReturned { break }
        }
        return !isLastReturned
    }

    /// Returns messages in their order, even where the caller has given up meanwhile, and waits until the broker has
    /// read that.
    private func giveBack(_ tags: [AMQPDeliveryTag], to name: String) throws(AMQPError) {
        for tag in tags {
            // With the channel they were got on gone, they are back already.
            guard session.isChannelOpen, tag.generation == generation else { return }
            try session.settle(tag.tag, .requeue)
        }
        if !tags.isEmpty, session.isChannelOpen {
            try session.declare(AMQPTopology.Queue(name: name), passive: true)
        }
    }
}
