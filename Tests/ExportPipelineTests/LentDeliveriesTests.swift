// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import PipelineTestKit
import Synchronization
import TestKit
import Testing

@testable import ExportPipeline

/// One timer for all deliveries: each falls due in its own time.
@Suite struct LentDeliveriesTests {
    /// A clock that stands still until it is moved.
    private final class StandingClock: PipelineEnvironment {
        private struct Sleeper {
            let until: Duration
            let continuation: CheckedContinuation<Void, Never>
        }

        private let time = Mutex(Duration.zero)
        private let sleepers = Mutex<[Sleeper]>([])
        let sleeping = Watched(0)

        func now() -> Duration { time.withLock { $0 } }
        func date() -> Timestamp { Timestamp(milliseconds: 0) }
        func jitter() -> Double { 0 }
        func uniqueID() -> String { "" }

        func sleep(_ duration: Duration) async throws(CancellationError) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    sleepers.withLock { $0.append(Sleeper(until: now() + duration, continuation: continuation)) }
                    sleeping.update { $0 += 1 }
                }
            } onCancel: {
                wake { _ in true }
            }
            if Task.isCancelled { throw CancellationError() }
        }

        func move(to moment: Duration) {
            time.withLock { $0 = moment }
            wake { $0 <= moment }
        }

        private func wake(_ isOver: (Duration) -> Bool) {
            let over = sleepers.withLock { sleepers in
                defer { sleepers.removeAll { isOver($0.until) } }
                return sleepers.filter { isOver($0.until) }
            }
            for sleeper in over { sleeper.continuation.resume() }
        }
    }

    @Test func eachFallsDueInItsTurn() async {
        let clock = StandingClock()
        let lent = LentDeliveries(lease: .seconds(10), environment: clock)
        let first = lent.enter(from: "q")
        #expect(await clock.sleeping.wait { $0 == 1 })
        clock.move(to: .seconds(4))
        let second = lent.enter(from: "q")
        let third = lent.enter(from: "q")
        clock.move(to: .seconds(10))
        #expect(await clock.sleeping.wait { $0 == 2 })
        #expect(first.control.level == .due && second.control.level == .running)
        // Who has gone is not waited for, and the first is still there without a time of its own.
        lent.leave(second.id)
        clock.move(to: .seconds(13))
        let fourth = lent.enter(from: "q")
        clock.move(to: .seconds(14))
        #expect(await clock.sleeping.wait { $0 == 3 })
        #expect(third.control.level == .due && fourth.control.level == .running)
        lent.leave(first.id)
        lent.leave(third.id)
        clock.move(to: .seconds(23))
        while fourth.control.level == .running { await Task.yield() }
        #expect(fourth.control.level == .due)
    }

    /// The timer ends with the last delivery, and the next begins another.
    @Test func itBeginsAnew() async {
        let clock = StandingClock()
        let lent = LentDeliveries(lease: .seconds(10), environment: clock)
        let first = lent.enter(from: "q")
        #expect(await clock.sleeping.wait { $0 == 1 })
        lent.leave(first.id)
        clock.move(to: .seconds(5))
        let second = lent.enter(from: "q")
        #expect(await clock.sleeping.wait { $0 == 2 })
        clock.move(to: .seconds(10))
        #expect(second.control.level == .running)
        clock.move(to: .seconds(15))
        while second.control.level == .running { await Task.yield() }
        #expect(first.control.level == .running && second.control.level == .due)
    }
}
