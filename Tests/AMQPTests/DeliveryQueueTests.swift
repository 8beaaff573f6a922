// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import AMQP

@Suite struct DeliveryQueueTests {
    private func delivery(_ tag: UInt64, queue: String = "q") -> AMQPDelivery {
        AMQPDelivery(
            queue: queue, consumerTag: "c", tag: AMQPDeliveryTag(generation: 1, tag: tag), isRedelivered: false,
            exchange: "", routingKey: queue, properties: AMQPProperties(), body: [], bodySize: 0, isOversized: false)
    }

    @Test func handsOutInOrder() async {
        let queue = DeliveryQueue(capacity: 2)
        #expect(queue.push(delivery(1)))
        #expect(queue.push(delivery(2)))
        #expect(await queue.next()?.tag.tag == 1)
        #expect(await queue.next()?.tag.tag == 2)
    }

    @Test func hasABound() {
        let queue = DeliveryQueue(capacity: 1)
        #expect(queue.push(delivery(1)))
        #expect(!queue.push(delivery(2)))
        #expect(queue.count == 1)
    }

    @Test func countsWhatIsTakenWhileOthersWait() async {
        let queue = DeliveryQueue(capacity: 3)
        #expect(queue.takenWhileOthersWait == nil)
        for tag in UInt64(1)...3 { #expect(queue.push(delivery(tag))) }
        #expect(queue.takenWhileOthersWait == 0)
        _ = await queue.next()
        #expect(queue.takenWhileOthersWait == 1)
        _ = queue.remove()
        #expect(queue.takenWhileOthersWait == nil)
    }

    @Test func wakesTakersOnceEach() async {
        let queue = DeliveryQueue(capacity: 4)
        let deliveries = AMQPDeliveries(queue: queue)
        let tags = await withTaskGroup(of: UInt64?.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    for await delivery in deliveries { return delivery.tag.tag }
                    return nil
                }
            }
            for tag in UInt64(1)...3 { #expect(queue.push(delivery(tag))) }
            return await group.reduce(into: Set<UInt64>()) { if let tag = $1 { $0.insert(tag) } }
        }
        #expect(tags == [1, 2, 3])
        #expect(queue.count == 0)
    }

    @Test func cancellationEndsTheWaitAndLosesNothing() async {
        let queue = DeliveryQueue(capacity: 4)
        let task = Task { await queue.next() }
        task.cancel()
        #expect(await task.value == nil)
        #expect(queue.push(delivery(1)))
        #expect(await queue.next()?.tag.tag == 1)
    }

    @Test func takesBackTheDeliveriesOfOneQueue() async {
        let queue = DeliveryQueue(capacity: 4)
        for (tag, name) in [(UInt64(1), "a"), (2, "b"), (3, "a")] { #expect(queue.push(delivery(tag, queue: name))) }
        #expect(queue.remove(queue: "a").map(\.tag.tag) == [1, 3])
        #expect(await queue.next()?.tag.tag == 2)
    }

    @Test func endsForThoseWhoWaitAndThoseWhoComeLater() async {
        let queue = DeliveryQueue(capacity: 4)
        let waiting = Task { await queue.next() }
        queue.finish()
        #expect(await waiting.value == nil)
        #expect(await queue.next() == nil)
    }
}

@Suite struct ConsumerCoreTests {
    @Test func settlesStaleTagsWithoutAThread() async throws {
        let core = try ConsumerCore(capacity: 1)
        #expect(core.begin() == 1)
        #expect(core.note(1, queue: "q"))
        core.disconnect()
        #expect(core.begin() == 2)
        #expect(await core.settle(AMQPDeliveryTag(generation: 1, tag: 1), .acknowledge) == .stale)
        #expect(core.status.staleSettlements == 1)
        #expect(core.takeRequests().settlements.isEmpty)
    }

    @Test func aLostConnectionAnswersSettlementsThatWait() async throws {
        let core = try ConsumerCore(capacity: 1)
        _ = core.begin()
        #expect(core.note(1, queue: "q"))
        let settling = Task { await core.settle(AMQPDeliveryTag(generation: 1, tag: 1), .acknowledge) }
        while core.status.outstanding > 0 { await Task.yield() }
        core.disconnect()
        #expect(await settling.value == .disconnected)
    }

    @Test func pausingWithoutAConnectionReturnsAtOnce() async throws {
        let core = try ConsumerCore(capacity: 1)
        await core.pause { $0 = ["q"] }
        #expect(core.isPaused("q") && !core.isPaused("p"))
    }

    @Test func stoppingBeforeTheStartEndsEverything() async throws {
        let core = try ConsumerCore(capacity: 1)
        core.stop()
        await core.control.ended.wait()
        #expect(!core.control.start())
        #expect(await core.deliveries.next() == nil)
    }
}

@Suite struct QueueSlotTests {
    private let now = ContinuousClock.now
    private var configuration: AMQPConnectionConfiguration {
        var configuration = AMQPConnectionConfiguration(endpoints: [], connectionName: "c")
        configuration.reconnectInitial = .seconds(1)
        configuration.reconnectMax = .seconds(8)
        return configuration
    }

    private func slot() -> QueueSlot {
        QueueSlot(AMQPSubscription(queue: "q", prefetch: 1, consumerTag: "c"), configuration)
    }

    @Test func waitsLongerEveryTime() {
        var slot = slot()
        slot.failed(at: now, random: 1)
        #expect(slot.deadline == now + .seconds(1))
        slot.failed(at: now, random: 1)
        #expect(slot.deadline == now + .seconds(2))
    }

    @Test func aQueueThatRefusedItsConsumerWaitsThroughReconnects() {
        var slot = slot()
        slot.failed(at: now, random: 1, refusedToConsume: true)
        slot.disconnected(at: now)
        #expect(!slot.mayStart(at: now))
        #expect(slot.mayStart(at: now + .seconds(1)))
    }

    @Test func aQueueCancelledByTheBrokerMayStartOnANewConnection() {
        var slot = slot()
        slot.started(at: now)
        slot.failed(at: now, random: 1)
        #expect(slot.mayStart(at: now))
    }

    @Test func ignoresAnswersOfAnOlderLook() {
        var slot = slot()
        let first = slot.probe()
        slot.disconnected(at: now)
        #expect(!slot.awaits(first))
        let second = slot.probe()
        #expect(!slot.awaits(first))
        #expect(slot.awaits(second))
    }
}
