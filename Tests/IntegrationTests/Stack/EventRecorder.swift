// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import Synchronization
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
    private let state: Recording

    private final class Recording: Sendable {
        struct Waiter {
            let isMet: @Sendable ([RecordedEvent]) -> Bool
            let continuation: CheckedContinuation<Bool, Never>
            let id: UUID
        }

        let events = Mutex<[RecordedEvent]>([])
        let waiters = Mutex<[Waiter]>([])

        func add(_ event: RecordedEvent) {
            let all = events.withLock { events in
                events.append(event)
                return events
            }
            let met = waiters.withLock { waiters in
                let met = waiters.filter { $0.isMet(all) }
                waiters.removeAll { waiter in met.contains { $0.id == waiter.id } }
                return met
            }
            for waiter in met { waiter.continuation.resume(returning: true) }
        }
    }

    private init(consumer: AMQPConsumer, state: Recording, task: Task<Void, Never>) {
        self.consumer = consumer
        self.state = state
        self.task = task
    }

    static func start(queue: String) async throws -> EventRecorder {
        let consumer = try AMQPConsumer(
            connection: try AMQPTestBroker.configuration(), topology: .none,
            subscriptions: [AMQPSubscription(queue: queue, prefetch: 1000, consumerTag: "recorder-\(queue)")],
            maximumBodyBytes: 1 << 20, logger: AMQPTestBroker.logger)
        let state = Recording()
        let task = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await consumer.run() }
                group.addTask {
                    for await delivery in consumer.deliveries {
                        await consumer.settle(delivery.tag, .acknowledge)
                        state.add(
                            RecordedEvent(
                                routingKey: delivery.routingKey, id: delivery.properties.messageID ?? "",
                                properties: delivery.properties, body: delivery.body))
                    }
                }
            }
        }
        return EventRecorder(consumer: consumer, state: state, task: task)
    }

    func stop() async {
        await consumer.shutdown()
        await task.value
        for waiter in state.waiters.withLock({ $0 }) { waiter.continuation.resume(returning: false) }
    }

    /// Everything so far.
    var all: [RecordedEvent] { state.events.withLock { $0 } }

    func of(_ commandID: String) -> [RecordedEvent] { all.filter { $0.commandID == commandID } }

    /// Waits until the events so far meet a condition; false once the bound is over.
    func wait(
        atMost bound: Duration = .seconds(60), until isMet: @escaping @Sendable ([RecordedEvent]) -> Bool
    ) async -> Bool {
        let id = UUID()
        let timer = Task { [state] in
            try await Task.sleep(for: bound)
            let late = state.waiters.withLock { waiters in
                defer { waiters.removeAll { $0.id == id } }
                return waiters.first { $0.id == id }
            }
            late?.continuation.resume(returning: false)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            state.waiters.withLock { $0.append(.init(isMet: isMet, continuation: continuation, id: id)) }
            // What came before the waiter stood in line.
            guard isMet(all) else { return }
            let waiter = state.waiters.withLock { waiters in
                defer { waiters.removeAll { $0.id == id } }
                return waiters.first { $0.id == id }
            }
            waiter?.continuation.resume(returning: true)
        }
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
