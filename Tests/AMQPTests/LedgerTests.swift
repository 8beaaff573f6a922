// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import AMQP

@Suite struct ConfirmLedgerTests {
    private func key(_ id: String?, routingKey: String = "k", size: UInt64 = 1) -> PublishKey {
        PublishKey(exchange: "x", routingKey: routingKey, messageID: id, bodySize: size)
    }

    private func ledger(_ ids: String...) -> ConfirmLedger<String> {
        var ledger = ConfirmLedger<String>()
        for id in ids { ledger.published(id, key: key(id)) }
        return ledger
    }

    private func text(_ verdicts: [(id: String, verdict: ConfirmLedger<String>.Verdict)]) -> [String] {
        verdicts.map { "\($0.id):\($0.verdict)" }
    }

    @Test func decidesOutOfOrder() {
        var ledger = ledger("a", "b", "c")
        #expect(text(ledger.decided(tag: 2, multiple: false, accepted: true)) == ["b:routed"])
        #expect(text(ledger.decided(tag: 1, multiple: false, accepted: false)) == ["a:refused"])
        #expect(ledger.count == 1)
    }

    @Test func decidesSeveralAtOnceOldestFirst() {
        var ledger = ledger("a", "b", "c", "d")
        _ = ledger.decided(tag: 2, multiple: false, accepted: true)
        #expect(text(ledger.decided(tag: 3, multiple: true, accepted: true)) == ["a:routed", "c:routed"])
        #expect(text(ledger.decided(tag: 0, multiple: true, accepted: false)) == ["d:refused"])
        #expect(ledger.count == 0)
    }

    @Test func matchesReturnsBeforeACommonAcknowledgement() {
        var ledger = ledger("a", "b", "c")
        ledger.returned(key("a"), replyText: "NO_ROUTE")
        ledger.returned(key("c"), replyText: "NO_ROUTE")
        #expect(
            text(ledger.decided(tag: 3, multiple: true, accepted: true)) == [
                #"a:unroutable(replyText: "NO_ROUTE")"#, "b:routed", #"c:unroutable(replyText: "NO_ROUTE")"#,
            ])
    }

    @Test func takesTheOldestAmongEqualMessages() {
        var ledger = ConfirmLedger<Int>()
        for id in 1...3 { ledger.published(id, key: key(nil)) }
        ledger.returned(key(nil), replyText: "r")
        ledger.returned(key(nil), replyText: "r")
        let verdicts = ledger.decided(tag: 3, multiple: true, accepted: true)
        #expect(verdicts.map(\.verdict) == [.unroutable(replyText: "r"), .unroutable(replyText: "r"), .routed])
    }

    @Test func tellsMessagesApartByAllThatAReturnCarries() {
        var ledger = ConfirmLedger<Int>()
        ledger.published(1, key: key("m", routingKey: "other"))
        ledger.published(2, key: key("m", size: 9))
        ledger.published(3, key: key("m"))
        ledger.returned(key("m"), replyText: "r")
        #expect(ledger.decided(tag: 1, multiple: false, accepted: true).map(\.verdict) == [.routed])
        #expect(ledger.decided(tag: 2, multiple: false, accepted: true).map(\.verdict) == [.routed])
        #expect(ledger.decided(tag: 3, multiple: false, accepted: true).map(\.verdict) == [.unroutable(replyText: "r")])
    }

    @Test func aRefusedMessageIsRefusedThoughReturned() {
        var ledger = ledger("a")
        ledger.returned(key("a"), replyText: "r")
        #expect(text(ledger.decided(tag: 1, multiple: false, accepted: false)) == ["a:refused"])
    }

    @Test func countsWhatMatchesNothing() {
        var ledger = ledger("a")
        #expect(ledger.decided(tag: 9, multiple: false, accepted: true).isEmpty)
        ledger.returned(key("z"), replyText: "r")
        #expect(ledger.unmatched == 2)
        #expect(ledger.count == 1)
    }

    @Test func numbersANewChannelFromOne() {
        var ledger = ledger("a", "b")
        #expect(ledger.reset() == ["a", "b"])
        ledger.published("c", key: key("c"))
        #expect(text(ledger.decided(tag: 1, multiple: false, accepted: true)) == ["c:routed"])
    }
}

@Suite struct SettlementLedgerTests {
    private func take(_ ledger: inout SettlementLedger, _ tag: AMQPDeliveryTag) -> AMQPSettleResult {
        ledger.take(tag)
    }

    @Test func settlesOnceOnly() {
        var ledger = SettlementLedger()
        ledger.begin()
        _ = ledger.delivered(1, queue: "q")
        #expect(take(&ledger, AMQPDeliveryTag(generation: 1, tag: 1)) == .sent)
        #expect(take(&ledger, AMQPDeliveryTag(generation: 1, tag: 1)) == .stale)
        #expect(ledger.staleCount == 1)
    }

    @Test func dropsTagsOfAnOlderChannelThoughTheNumberIsInUse() {
        var ledger = SettlementLedger()
        ledger.begin()
        _ = ledger.delivered(1, queue: "q")
        ledger.end()
        ledger.begin()
        _ = ledger.delivered(1, queue: "q")
        #expect(take(&ledger, AMQPDeliveryTag(generation: 1, tag: 1)) == .stale)
        #expect(take(&ledger, AMQPDeliveryTag(generation: 2, tag: 1)) == .sent)
        #expect(ledger.staleCount == 1)
    }

    @Test func tellsALostConnectionFromAnOlderOne() {
        var ledger = SettlementLedger()
        ledger.begin()
        _ = ledger.delivered(1, queue: "q")
        ledger.end()
        #expect(take(&ledger, AMQPDeliveryTag(generation: 1, tag: 1)) == .disconnected)
        ledger.begin()
        #expect(take(&ledger, AMQPDeliveryTag(generation: 1, tag: 1)) == .stale)
    }

    @Test func knowsTheQueueOfWhatIsHeld() {
        var ledger = SettlementLedger()
        ledger.begin()
        _ = ledger.delivered(1, queue: "q")
        _ = ledger.delivered(2, queue: "p")
        #expect(ledger.queue(of: AMQPDeliveryTag(generation: 1, tag: 1)) == "q")
        #expect(ledger.queue(of: AMQPDeliveryTag(generation: 0, tag: 1)) == nil)
        #expect(take(&ledger, AMQPDeliveryTag(generation: 1, tag: 1)) == .sent)
        #expect(ledger.queue(of: AMQPDeliveryTag(generation: 1, tag: 1)) == nil)
        #expect(ledger.count(queue: "q") == 0)
        #expect(ledger.count(queue: "p") == 1)
    }

    @Test func dropsTagsNobodyWasGiven() {
        var ledger = SettlementLedger()
        ledger.begin()
        #expect(take(&ledger, AMQPDeliveryTag(generation: 1, tag: 5)) == .stale)
        #expect(take(&ledger, AMQPDeliveryTag(generation: 2, tag: 5)) == .stale)
        #expect(ledger.staleCount == 2)
    }

    @Test func noticesATagUsedTwice() {
        var ledger = SettlementLedger()
        ledger.begin()
        _ = ledger.delivered(3, queue: "q")
        let isNew = ledger.delivered(3, queue: "p")
        #expect(!isNew)
    }
}

@Suite struct ReconnectScheduleTests {
    private let start = ContinuousClock.now

    @Test func doublesUpToItsMaximum() {
        var schedule = ReconnectSchedule(initial: .seconds(1), maximum: .seconds(10))
        let delays = (0..<6).map { _ in schedule.failed(at: start, random: 1) }
        #expect(delays == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(10), .seconds(10)])
    }

    @Test func isRandomBetweenHalfAndWhole() {
        var schedule = ReconnectSchedule(initial: .seconds(4), maximum: .seconds(60))
        #expect(schedule.failed(at: start, random: 0) == .seconds(2))
        #expect(schedule.failed(at: start, random: 0.5) == .seconds(6))
    }

    @Test func startsAnewOnlyAfterAConnectionThatLasted() {
        var schedule = ReconnectSchedule(initial: .seconds(1), maximum: .seconds(10))
        _ = schedule.failed(at: start, random: 1)
        schedule.opened(at: start)
        #expect(schedule.failed(at: start + .seconds(9), random: 1) == .seconds(2))
        schedule.opened(at: start)
        #expect(schedule.failed(at: start + .seconds(10), random: 1) == .seconds(1))
    }

    @Test func surviesVeryManyFailures() {
        var schedule = ReconnectSchedule(initial: .milliseconds(1), maximum: .seconds(30))
        var last = Duration.zero
        for _ in 0..<10_000 { last = schedule.failed(at: start, random: 1) }
        #expect(last == .seconds(30))
    }
}
