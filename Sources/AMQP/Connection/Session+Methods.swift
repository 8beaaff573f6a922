// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ

// The methods of the protocol; each waits for its answer unless it has none.
extension Session {
    // MARK: Topology

    func declare(_ exchange: AMQPTopology.Exchange, passive: Bool) throws(AMQPError) {
        try describing("exchange", exchange.name) { () throws(AMQPError) in
            try AMQPNames.check(exchange.name, "exchange")
            try sendWithArena("declaring the exchange '\(exchange.name)'") {
                unsafe crmq_exchange_declare(
                    $0.state, $1.bytes(exchange.name), $1.bytes(exchange.kind), passive ? 1 : 0,
                    exchange.isDurable ? 1 : 0, exchange.isAutoDelete ? 1 : 0, exchange.isInternal ? 1 : 0,
                    $1.table(exchange.arguments))
            }
            try awaitDone("declaring the exchange '\(exchange.name)'", AMQP_EXCHANGE_DECLARE_OK_METHOD)
        }
    }

    /// An empty name lets the broker choose one.
    @discardableResult
    func declare(_ queue: AMQPTopology.Queue, passive: Bool) throws(AMQPError) -> AMQPQueueState {
        try describing("queue", queue.name) { () throws(AMQPError) -> AMQPQueueState in
            try AMQPNames.check(queue.name, "queue")
            try sendWithArena("declaring the queue '\(queue.name)'") {
                unsafe crmq_queue_declare(
                    $0.state, $1.bytes(queue.name), passive ? 1 : 0, queue.isDurable ? 1 : 0, queue.isExclusive ? 1 : 0,
                    queue.isAutoDelete ? 1 : 0, $1.table(queue.arguments))
            }
            return try awaitEvent("declaring the queue '\(queue.name)'") {
                if case .reply(.queueDeclared(let state)) = $0 { state } else { nil }
            }
        }
    }

    func bind(_ binding: AMQPTopology.Binding) throws(AMQPError) {
        let name = "\(binding.queue)' to '\(binding.exchange)"
        try describing("binding", name) { () throws(AMQPError) in
            for part in [binding.queue, binding.exchange, binding.routingKey] { try AMQPNames.check(part, "binding") }
            try sendWithArena("binding '\(name)'") {
                unsafe crmq_queue_bind(
                    $0.state, $1.bytes(binding.queue), $1.bytes(binding.exchange), $1.bytes(binding.routingKey),
                    $1.table(binding.arguments))
            }
            try awaitDone("binding '\(name)'", AMQP_QUEUE_BIND_OK_METHOD)
        }
    }

    func unbind(_ binding: AMQPTopology.Binding) throws(AMQPError) {
        try sendWithArena("unbinding '\(binding.queue)'") {
            unsafe crmq_queue_unbind(
                $0.state, $1.bytes(binding.queue), $1.bytes(binding.exchange), $1.bytes(binding.routingKey),
                $1.table(binding.arguments))
        }
        try awaitDone("unbinding '\(binding.queue)'", AMQP_QUEUE_UNBIND_OK_METHOD)
    }

    /// Declares, or looks for, everything: exchanges, queues, bindings.
    func apply(_ topology: AMQPTopology) throws(AMQPError) {
        let passive = topology.mode == .passive
        for exchange in topology.exchanges { try declare(exchange, passive: passive) }
        for queue in topology.queues { try declare(queue, passive: passive) }
        guard !passive else { return }
        for binding in topology.bindings { try bind(binding) }
    }

    func purge(queue: String) throws(AMQPError) -> UInt32 {
        try sendWithArena("purging '\(queue)'") { unsafe crmq_queue_purge($0.state, $1.bytes(queue)) }
        return try awaitCount("purging '\(queue)'")
    }

    /// Deletes a queue; one that is not there counts as deleted.
    @discardableResult
    func delete(queue: String, ifUnused: Bool, ifEmpty: Bool) throws(AMQPError) -> UInt32 {
        try sendWithArena("deleting the queue '\(queue)'") {
            unsafe crmq_queue_delete($0.state, $1.bytes(queue), ifUnused ? 1 : 0, ifEmpty ? 1 : 0)
        }
        return try awaitCount("deleting the queue '\(queue)'")
    }

    func delete(exchange: String, ifUnused: Bool) throws(AMQPError) {
        try sendWithArena("deleting the exchange '\(exchange)'") {
            unsafe crmq_exchange_delete($0.state, $1.bytes(exchange), ifUnused ? 1 : 0)
        }
        try awaitDone("deleting the exchange '\(exchange)'", AMQP_EXCHANGE_DELETE_OK_METHOD)
    }

    // MARK: Consuming

    func consume(_ subscription: AMQPSubscription, consumerTag: String) throws(AMQPError) {
        let what = "consuming from '\(subscription.queue)'"
        try call(what, .done(method: AMQP_BASIC_QOS_OK_METHOD)) {
            unsafe crmq_basic_qos($0.state, subscription.prefetch)
        }
        try sendWithArena(what) {
            unsafe crmq_basic_consume(
                $0.state, $1.bytes(subscription.queue), $1.bytes(consumerTag),
                $1.table(subscription.arguments))
        }
        try awaitEvent(what) { $0 == .reply(.consuming(consumerTag: consumerTag)) ? () : nil }
    }

    func cancel(consumerTag: String) throws(AMQPError) {
        try sendWithArena("cancelling the consumer '\(consumerTag)'") {
            unsafe crmq_basic_cancel($0.state, $1.bytes(consumerTag))
        }
        try awaitEvent("cancelling the consumer '\(consumerTag)'") {
            $0 == .reply(.cancelled(consumerTag: consumerTag)) ? () : nil
        }
    }

    /// Writes one settlement; the broker does not answer.
    func settle(_ tag: UInt64, _ how: AMQPSettlement) throws(AMQPError) {
        try send("settling a delivery") {
            switch how {
            case .acknowledge: unsafe amqp_basic_ack($0.state, CRMQ_CHANNEL, tag, 0)
            case .reject: unsafe amqp_basic_reject($0.state, CRMQ_CHANNEL, tag, 0)
            case .requeue: unsafe amqp_basic_nack($0.state, CRMQ_CHANNEL, tag, 0, 1)
            }
        }
    }

    /// Takes one message, unsettled; nil when the queue is empty.
    func get(queue: String) throws(AMQPError) -> Content? {
        try sendWithArena("getting from '\(queue)'") { unsafe crmq_basic_get($0.state, $1.bytes(queue)) }
        return try awaitEvent("getting from '\(queue)'") { event -> Content?? in
            switch event {
            case .reply(.getEmpty): .some(nil)
            case .content(let content): if case .got = content.head { .some(content) } else { nil }
            default: nil
            }
        }
    }

    // MARK: Publishing

    func selectConfirms() throws(AMQPError) {
        try call("asking for publisher confirms", .done(method: AMQP_CONFIRM_SELECT_OK_METHOD)) {
            unsafe crmq_confirm_select($0.state)
        }
    }

    /// Writes a message. Check it with `AMQPMessage.problem` before: half a message cannot be taken back.
    func publish(_ message: AMQPMessage) throws(AMQPError) {
        try sendWithArena("publishing") { handle, arena in
            var properties = unsafe arena.properties(message.properties)
            return unsafe message.body.withUnsafeBytes { body in
                let bytes = unsafe amqp_bytes_t(
                    len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
                return unsafe amqp_basic_publish(
                    handle.state, CRMQ_CHANNEL, arena.bytes(message.exchange), arena.bytes(message.routingKey),
                    message.isMandatory ? 1 : 0, 0, &properties, bytes)
            }
        }
    }

    // MARK: Helpers

    private func awaitDone(_ what: String, _ method: UInt32) throws(AMQPError) {
        try awaitEvent(what) { $0 == .reply(.done(method: method)) ? () : nil }
    }

    private func awaitCount(_ what: String) throws(AMQPError) -> UInt32 {
        try awaitEvent(what) { if case .reply(.messageCount(let count)) = $0 { count } else { nil } }
    }

    /// Says which object a refusal is about.
    private func describing<Result>(
        _ kind: String, _ name: String, _ body: () throws(AMQPError) -> Result
    ) throws(AMQPError) -> Result {
        do throws(AMQPError) {
            return try body()
        } catch {
            guard error.replyCode != nil, !isChannelOpen else { throw error }
            throw DeclarationFailure.describe(error, kind: kind, name: name)
        }
    }
}

/// Names on the wire are short strings.
enum AMQPNames {
    static func check(_ name: String, _ what: String) throws(AMQPError) {
        guard name.utf8.count <= 255 else {
            throw AMQPError(
                .invalidConfiguration, "A name of the \(what) has \(name.utf8.count) bytes, AMQP allows 255.",
                isRetriable: false)
        }
    }
}
