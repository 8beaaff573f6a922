// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline

/// A delivery of the broker as the pipeline knows it.
struct BrokerDelivery: Delivery {
    let message: IncomingMessage
    let queue: String
    private let tag: AMQPDeliveryTag
    private let consumer: AMQPConsumer

    init(_ delivery: AMQPDelivery, from consumer: AMQPConsumer) {
        tag = delivery.tag
        queue = delivery.queue
        self.consumer = consumer
        message = IncomingMessage(delivery)
    }

    func settle(_ settlement: Settlement) async -> Bool {
        let how: AMQPSettlement =
            switch settlement {
            case .acknowledge: .acknowledge
            case .reject: .reject
            case .requeue: .requeue
            }
        return await consumer.settle(tag, how) == .sent
    }
}

/// The consuming connection as the pipeline's intake knows it.
struct BrokerSource: CommandSource {
    let consumer: AMQPConsumer
    let prefetches: [String: Int]

    init(_ consumer: AMQPConsumer, subscriptions: [AMQPSubscription]) {
        self.consumer = consumer
        prefetches = Dictionary(uniqueKeysWithValues: subscriptions.map { ($0.queue, Int($0.prefetch)) })
    }

    func next() async -> (any Delivery)? {
        let iterator = consumer.deliveries.makeAsyncIterator()
        return await iterator.next().map { BrokerDelivery($0, from: consumer) }
    }

    func pause(_ queues: Set<String>) async { await consumer.cancelConsumers(queues: queues) }

    func resume(_ queues: Set<String>) async { await consumer.resumeConsumers(queues: queues) }
}

extension IncomingMessage {
    init(_ delivery: AMQPDelivery) {
        var headers: [String: String] = [:]
        for entry in delivery.properties.headers.entries {
            if let text = entry.value.stringValue ?? entry.value.intValue.map(String.init) { headers[entry.key] = text }
        }
        let count = delivery.properties.headers["x-delivery-count"]?.intValue ?? 0
        self.init(
            body: delivery.body, bodySize: Int(clamping: delivery.bodySize),
            contentType: delivery.properties.contentType, messageID: delivery.properties.messageID,
            correlationID: delivery.properties.correlationID, headers: headers,
            isRedelivered: delivery.isRedelivered, deliveryCount: Int(clamping: max(0, count)))
    }
}

/// Publishes events to the events exchange and waits for the broker's confirm.
struct BrokerEventPublisher: EventPublisher {
    let publisher: AMQPPublisher
    let exchange: String
    /// `events.requireRoute`: an event nobody is bound to receive holds back the acknowledgement.
    let requiresRoute: Bool

    func publish(_ event: ExportEvent) async throws(StepError) -> EventRouting {
        // Better to let go of the command than to wait in line behind an alarm.
        if let reason = publisher.status.blockedReason { throw WorkerProbe.blocked(reason) }
        do throws(AMQPError) {
            switch try await publisher.publish(event.message(exchange: exchange)) {
            case .routed: return .routed
            case .unroutable(let text): return try unroutable(event, text)
            }
        } catch {
            switch error.code {
            case .cancelled, .shutDown: throw StepError(.interrupted, error.description)
            case .nacked, .overloaded: throw StepError(.transient(), error.description)
            default: throw StepError(.surroundings(.broker), error.description)
            }
        }
    }

    private func unroutable(_ event: ExportEvent, _ text: String) throws(AMQPError) -> EventRouting {
        guard requiresRoute else { return .unroutable }
        throw AMQPError(
            .nacked,
            "no queue is bound to exchange \(exchange) for \(event.routingKey) (\(text)); bind one, or unset "
                + "events.requireRoute")
    }
}

extension ExportEvent {
    /// The event as a persistent message that the broker must return where no queue takes it.
    func message(exchange: String) -> AMQPMessage {
        var table = AMQPTable()
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { table[name] = .string(value) }
        return AMQPMessage(
            exchange: exchange, routingKey: routingKey,
            properties: AMQPProperties(
                contentType: contentType, headers: table, deliveryMode: .persistent, correlationID: correlationID,
                messageID: messageID, appID: "nlu-export-worker"),
            body: body)
    }
}
