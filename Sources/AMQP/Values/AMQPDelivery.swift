// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Names a delivery: a tag counts from 1 on every channel, so it means nothing without the channel's generation.
package struct AMQPDeliveryTag: Sendable, Hashable {
    /// Which channel of this consumer delivered it, counted from 1.
    package var generation: UInt64
    /// The broker's delivery tag.
    package var tag: UInt64

    package init(generation: UInt64, tag: UInt64) {
        self.generation = generation
        self.tag = tag
    }
}

/// A message the broker lent to this process; settle it once.
package struct AMQPDelivery: Sendable, Hashable {
    /// The queue of the subscription that received it.
    package var queue: String
    package var consumerTag: String
    package var tag: AMQPDeliveryTag
    package var isRedelivered: Bool
    package var exchange: String
    package var routingKey: String
    package var properties: AMQPProperties
    /// The body; empty when `isOversized`.
    package var body: [UInt8]
    /// The size the broker announced, in bytes.
    package var bodySize: UInt64
    /// The body was larger than allowed and dropped as it arrived.
    package var isOversized: Bool

    package init(
        queue: String, consumerTag: String, tag: AMQPDeliveryTag, isRedelivered: Bool, exchange: String,
        routingKey: String, properties: AMQPProperties, body: [UInt8], bodySize: UInt64, isOversized: Bool
    ) {
        self.queue = queue
        self.consumerTag = consumerTag
        self.tag = tag
        self.isRedelivered = isRedelivered
        self.exchange = exchange
        self.routingKey = routingKey
        self.properties = properties
        self.body = body
        self.bodySize = bodySize
        self.isOversized = isOversized
    }
}

extension AMQPDelivery {
    /// A delivered or fetched content; nil for a returned one.
    init?(_ content: Content, queue: String, generation: UInt64) {
        let consumer: String
        let number: UInt64
        switch content.head {
        case .delivery(let consumerTag, let deliveryTag, let wasRedelivered, let source, let key):
            (consumer, number, isRedelivered, exchange, routingKey) = (
                consumerTag, deliveryTag, wasRedelivered, source, key
            )
        case .got(let deliveryTag, let wasRedelivered, let source, let key, _):
            (consumer, number, isRedelivered, exchange, routingKey) = ("", deliveryTag, wasRedelivered, source, key)
        case .returned:
            return nil
        }
        self.queue = queue
        consumerTag = consumer
        tag = AMQPDeliveryTag(generation: generation, tag: number)
        properties = content.properties
        body = content.body
        bodySize = content.bodySize
        isOversized = content.isOversized
    }
}

/// What to tell the broker about a delivery; always about that one only.
package enum AMQPSettlement: Sendable, Hashable {
    /// Done.
    case acknowledge
    /// It failed: to the dead-letter exchange (basic.reject, requeue=false).
    case reject
    /// This process lets go of it: back to the queue (basic.nack, requeue=true).
    case requeue
}

/// What became of a settlement.
package enum AMQPSettleResult: Sendable, Hashable {
    /// Written to the connection it was delivered on.
    case sent
    /// Of an older channel, or settled before: dropped and counted, nothing was written.
    case stale
    /// The connection was lost before it could be written; the broker delivers the message again.
    case disconnected
}

/// What the broker says about itself.
package struct AMQPServerInfo: Sendable, Hashable {
    package var product: String
    package var version: String
    package var platform: String
    package var clusterName: String
    /// The capabilities the broker announces as true.
    package var capabilities: Set<String>

    package init(
        product: String, version: String, platform: String = "", clusterName: String = "",
        capabilities: Set<String> = []
    ) {
        self.product = product
        self.version = version
        self.platform = platform
        self.clusterName = clusterName
        self.capabilities = capabilities
    }

    /// Whether the broker's version is at least that one; false when it cannot be read.
    package func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
        let parts = version.split(separator: ".").prefix(2).map { Int($0.prefix { ("0"..."9").contains($0) }) }
        guard parts.count == 2, let ours = parts[0], let second = parts[1] else { return false }
        return (ours, second) >= (major, minor)
    }
}

/// What happened to a connection and its consumers, in order.
package enum AMQPConnectionEvent: Sendable, Hashable {
    case connected(AMQPServerInfo)
    case disconnected(AMQPError)
    /// The broker stopped reading from publishers (memory or disk alarm).
    case blocked(reason: String)
    case unblocked
    case consumerStarted(queue: String)
    case consumerCancelled(queue: String, byServer: Bool)
    /// A queue cannot be consumed now; it is tried again with back-off while the others go on.
    case consumerFailed(queue: String, AMQPError)
}
