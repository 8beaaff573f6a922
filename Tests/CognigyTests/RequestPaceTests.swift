// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Testing

@testable import Cognigy

@Suite struct RequestPaceTests {
    @Test func withoutPaceEverybodyGoesAtOnce() {
        var pace = RequestPace()
        for _ in 0..<1000 {
            let slot = pace.reserve(at: .seconds(5))
            #expect(pace.confirm(slot, at: .seconds(5)) == nil)
        }
    }

    @Test func spacesCallsByTheConfiguredPace() {
        var pace = RequestPace(perMinute: 30)
        let instants = (0..<4).map { _ in pace.reserve(at: .seconds(10)).instant }
        #expect(instants == [.seconds(10), .seconds(12), .seconds(14), .seconds(16)])
        #expect(pace.reserve(at: .seconds(60)).instant == .seconds(60))
    }

    @Test func allowsABurstOfOneSecondsWorth() {
        var pace = RequestPace(perMinute: 240)
        let instants = (0..<6).map { _ in pace.reserve(at: .seconds(10)).instant }
        let expected: [Duration] = [
            .seconds(10), .seconds(10), .seconds(10), .seconds(10), .milliseconds(10_250), .milliseconds(10_500),
        ]
        #expect(instants == expected)
    }

    @Test func keepsThePaceOverALongTime() {
        var pace = RequestPace(perMinute: 60)
        var now: Duration = .seconds(100)
        for _ in 0..<600 { now = max(now, pace.reserve(at: now).instant) }
        #expect(now - .seconds(100) == .seconds(599))
    }

    @Test func aThrottleHoldsEverybody() {
        var pace = RequestPace()
        let early = pace.reserve(at: .seconds(10))
        pace.throttled(retryAfter: .seconds(40), sentAt: .seconds(10), now: .seconds(10))
        guard let moved = pace.confirm(early, at: .seconds(11)) else {
            Issue.record("a slot from before the 429 was confirmed")
            return
        }
        #expect(moved.instant >= .seconds(50))
        #expect(pace.confirm(moved, at: .seconds(49)) == moved)
        #expect(pace.confirm(moved, at: moved.instant) == nil)
        #expect(pace.reserve(at: .seconds(50)).instant == .seconds(50))
    }

    @Test func heldCallsGoOutSpread() {
        var pace = RequestPace()
        pace.throttled(retryAfter: .seconds(8), sentAt: .zero, now: .zero)
        let instants = (0..<100).map { _ in pace.reserve(at: .seconds(1)).instant }
        #expect(instants.allSatisfy { $0 >= .seconds(8) && $0 <= .seconds(10) })
        // Each tenth of the two seconds gets its share.
        for tenth in 0..<10 {
            let from = Duration.seconds(8) + .milliseconds(200 * tenth)
            let count = instants.filter { $0 >= from && $0 < from + .milliseconds(200) }.count
            #expect((8...12).contains(count), "\(tenth): \(count)")
        }
    }

    @Test func backsOffWhereNoWaitIsNamed() {
        var pace = RequestPace()
        var now: Duration = .seconds(1)
        var waits: [Duration] = []
        for _ in 0..<6 {
            pace.throttled(retryAfter: nil, sentAt: now, now: now)
            waits.append(pace.reserve(at: now).instant - now)
            now += .seconds(100)
        }
        let floors: [Duration] = [.seconds(2), .seconds(4), .seconds(8), .seconds(16), .seconds(30), .seconds(30)]
        for (wait, floor) in zip(waits, floors) { #expect(wait >= floor && wait <= floor + floor / 4) }
    }

    @Test func manyAnswersToOneBurstAreOneRefusal() {
        var pace = RequestPace()
        for _ in 0..<50 { pace.throttled(retryAfter: nil, sentAt: .seconds(1), now: .seconds(2)) }
        #expect(pace.reserve(at: .seconds(2)).instant <= .seconds(5))
    }

    @Test func anAnswerEndsTheBackOff() {
        var pace = RequestPace()
        for second in 1...5 {
            pace.throttled(retryAfter: nil, sentAt: .seconds(100 * second), now: .seconds(100 * second))
        }
        pace.answered(sentAt: .seconds(600))
        pace.throttled(retryAfter: nil, sentAt: .seconds(700), now: .seconds(700))
        #expect(pace.reserve(at: .seconds(700)).instant <= .milliseconds(702_500))
    }

    @Test func aShorterHoldDoesNotShortenALongerOne() {
        var pace = RequestPace()
        pace.throttled(retryAfter: .seconds(100), sentAt: .zero, now: .zero)
        pace.throttled(retryAfter: .seconds(1), sentAt: .zero, now: .zero)
        #expect(pace.reserve(at: .seconds(5)).instant >= .seconds(100))
    }

    @Test func holdsAtMostFiveMinutes() {
        var pace = RequestPace(perMinute: 60)
        pace.throttled(retryAfter: .seconds(100_000), sentAt: .zero, now: .zero)
        #expect(pace.reserve(at: .zero).instant == .seconds(300))
        #expect(pace.reserve(at: .zero).instant == .seconds(301))
    }
}

@Suite(.timeLimit(.minutes(1))) struct TenantGateTests {
    @Test func callersWaitUntilTheHoldEnds() async throws {
        let manual = ManualClock()
        let gate = TenantGate(tenant: "acme", maxRequestsPerMinute: nil, clock: manual.clock)
        let sentAt = try await gate.pass()
        gate.throttled(retryAfter: .seconds(4), sentAt: sentAt)
        let waiting = (0..<10).map { _ in Task { try await gate.pass() } }
        await manual.waitForSleepers(10)
        manual.advance(by: .milliseconds(3999))
        #expect(manual.sleeping == 10)
        manual.advance(by: .milliseconds(1001))
        for task in waiting { #expect(try await task.value >= sentAt + .seconds(4)) }
    }

    @Test func aHoldThatComesWhileOneWaitsCounts() async throws {
        let manual = ManualClock()
        let gate = TenantGate(tenant: "acme", maxRequestsPerMinute: 60, clock: manual.clock)
        let start = try await gate.pass()
        let waiting = Task { try await gate.pass() }
        await manual.waitForSleepers(1)
        gate.throttled(retryAfter: .seconds(10), sentAt: start)
        manual.advance(by: .seconds(1))
        await manual.waitForSleepers(1)
        manual.advance(by: .seconds(9))
        #expect(try await waiting.value == start + .seconds(10))
    }

    @Test func aCancelledCallerLeaves() async {
        let manual = ManualClock()
        let gate = TenantGate(tenant: "acme", maxRequestsPerMinute: nil, clock: manual.clock)
        gate.throttled(retryAfter: .seconds(4), sentAt: manual.now)
        let waiting = Task { await failure { try await gate.pass() } }
        await manual.waitForSleepers(1)
        waiting.cancel()
        #expect(await waiting.value?.kind == .interrupted)
    }
}
