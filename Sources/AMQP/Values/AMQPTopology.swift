// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The exchanges, queues and bindings a connection needs, in the order they are declared.
package struct AMQPTopology: Sendable, Hashable {
    /// How the objects are brought about.
    package enum Mode: Sendable, Hashable {
        /// Created where missing; a mismatch is an error.
        case declare
        /// Only looked for; AMQP shows neither arguments nor bindings then.
        case passive
    }

    package struct Exchange: Sendable, Hashable {
        package var name: String
        /// `direct`, `fanout`, `topic` or `headers`.
        package var kind: String
        package var isDurable: Bool
        package var isAutoDelete: Bool
        package var isInternal: Bool
        package var arguments: AMQPTable

        package init(
            name: String, kind: String, isDurable: Bool = true, isAutoDelete: Bool = false, isInternal: Bool = false,
            arguments: AMQPTable = AMQPTable()
        ) {
            self.name = name
            self.kind = kind
            self.isDurable = isDurable
            self.isAutoDelete = isAutoDelete
            self.isInternal = isInternal
            self.arguments = arguments
        }
    }

    package struct Queue: Sendable, Hashable {
        package var name: String
        package var isDurable: Bool
        package var isExclusive: Bool
        package var isAutoDelete: Bool
        package var arguments: AMQPTable

        package init(
            name: String, isDurable: Bool = true, isExclusive: Bool = false, isAutoDelete: Bool = false,
            arguments: AMQPTable = AMQPTable()
        ) {
            self.name = name
            self.isDurable = isDurable
            self.isExclusive = isExclusive
            self.isAutoDelete = isAutoDelete
            self.arguments = arguments
        }
    }

    package struct Binding: Sendable, Hashable {
        package var queue: String
        package var exchange: String
        package var routingKey: String
        package var arguments: AMQPTable

        package init(queue: String, exchange: String, routingKey: String, arguments: AMQPTable = AMQPTable()) {
            self.queue = queue
            self.exchange = exchange
            self.routingKey = routingKey
            self.arguments = arguments
        }
    }

    package var exchanges: [Exchange]
    package var queues: [Queue]
    package var bindings: [Binding]
    package var mode: Mode

    package init(
        exchanges: [Exchange] = [], queues: [Queue] = [], bindings: [Binding] = [], mode: Mode = .declare
    ) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
        self.mode = mode
    }

    /// Nothing to declare.
    package static let none = AMQPTopology()
}

/// What the broker says about a queue when it is declared or looked for.
package struct AMQPQueueState: Sendable, Hashable {
    package var name: String
    /// Messages ready for delivery; what consumers hold does not count.
    package var messageCount: UInt32
    package var consumerCount: UInt32

    package init(name: String, messageCount: UInt32, consumerCount: UInt32) {
        self.name = name
        self.messageCount = messageCount
        self.consumerCount = consumerCount
    }
}
