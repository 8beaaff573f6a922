// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import TestKit
import Testing

/// One event as it came from the exchange.
struct RecordedEvent: Sendable {
    let routingKey: String
    let id: String
    let properties: AMQPProperties
    let body: [UInt8]

    /// The members of `data`.
    var data: [String: any Sendable] {
        let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        return (object?["data"] as? [String: any Sendable]) ?? [:]
    }

    var commandID: String? { data["commandId"] as? String }
    var error: [String: any Sendable] { data["error"] as? [String: any Sendable] ?? [:] }
    var errorCode: String? { error["code"] as? String }
}

/// Records every event of a stack, through the queue that keeps a copy of them.
final class EventRecorder: Sendable {
    private let consumer: AMQPConsumer
    private let task: Task<Void, Never>
    private let events: Watched<[RecordedEvent]>

    private init(consumer: AMQPConsumer, events: Watched<[RecordedEvent]>, task: Task<Void, Never>) {
        self.consumer = consumer
        self.events = events
        self.task = task
    }

    static func start(queue: String) async throws -> EventRecorder {
        let consumer = try AMQPConsumer(
            connection: try AMQPTestBroker.configuration(), topology: .none,
            subscriptions: [AMQPSubscription(queue: queue, prefetch: 1000, consumerTag: "recorder-\(queue)")],
            maximumBodyBytes: 1 << 20, logger: AMQPTestBroker.logger)
        let events = Watched<[RecordedEvent]>([])
        let task = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await consumer.run() }
                group.addTask {
                    for await delivery in consumer.deliveries {
                        await consumer.settle(delivery.tag, .acknowledge)
                        let event = RecordedEvent(
                            routingKey: delivery.routingKey, id: delivery.properties.messageID ?? "",
                            properties: delivery.properties, body: delivery.body)
                        events.update { $0.append(event) }
                    }
                }
            }
        }
        return EventRecorder(consumer: consumer, events: events, task: task)
    }

    func stop() async {
        await consumer.shutdown()
        await task.value
    }

    /// Everything so far.
    var all: [RecordedEvent] { events.value }

    func of(_ commandID: String) -> [RecordedEvent] { all.filter { $0.commandID == commandID } }

    /// Waits until the events so far meet a condition; false once the bound is over.
    func wait(
        atMost bound: Duration = .seconds(60), until isMet: @escaping @Sendable ([RecordedEvent]) -> Bool
    ) async -> Bool {
        await events.wait(atMost: bound, until: isMet)
    }

    private static let endings = ["nlu.export.completed", "nlu.export.failed"]

    /// Waits for the event that tells the end of a command.
    func end(of commandID: String, atMost bound: Duration = .seconds(60)) async throws -> RecordedEvent {
        let isEnd: @Sendable (RecordedEvent) -> Bool = { event in
            event.commandID == commandID && Self.endings.contains(event.routingKey)
        }
        try #require(
            await wait(atMost: bound) { $0.contains(where: isEnd) }, "no final event of \(commandID) in \(bound)")
        return try #require(all.first(where: isEnd))
    }
}
