// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
import TestKit
import Testing

/// Looking at a queue loses nothing and keeps its order.
@Suite(.enabled(if: AMQPTestBroker.isAvailable), .timeLimit(.minutes(2)))
struct AMQPLookTests {
    private static let generous: AMQPTable = ["x-queue-type": "quorum", "x-delivery-limit": 1_000_000]

    /// Looks at the first `count` messages; their ids and what came of it.
    private func look(
        _ queue: String, _ count: Int, bound: Int = 1000, first: Int? = nil, keepsOrder: Bool = true,
        then last: AMQPLookStep = .enough
    ) async throws -> (ids: [String], look: AMQPLook) {
        try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration()) { session throws(AMQPError) in
            var ids: [String] = []
            let look = try session.look(
                at: queue, holdingAtMost: bound, first: first ?? count, keepsOrder: keepsOrder
            ) { delivery in
                ids.append(delivery.properties.messageID ?? "?")
                return ids.count < count ? .goOn : last
            }
            return (ids, look)
        }
    }

    private func ids(_ range: Range<Int>) -> [String] { range.map { "m\($0)" } }

    /// Takes everything off the queue: ids and how often each was returned.
    private func drain(_ queue: String) async throws -> [(id: String, returns: Int64)] {
        try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration()) { session throws(AMQPError) in
            var all: [(String, Int64)] = []
            while let delivery = try session.get(queue: queue) {
                let count = delivery.properties.headers["x-delivery-count"]?.intValue ?? 0
                all.append((delivery.properties.messageID ?? "?", count))
                try session.settle(delivery.tag, .acknowledge)
            }
            return all
        }
    }

    @Test func partialLooksKeepTheOrder() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 10)
            for count in [3, 1, 5, 2, 20, 1, 4] {
                let (seen, look) = try await look(queue, count)
                #expect(seen == ids(0..<min(count, 10)))
                #expect(look.queue.messageCount == 10 && look.keptOrder)
            }
            let left = try await drain(queue)
            #expect(left.map(\.id) == ids(0..<10))
            #expect(left.first?.returns == 7, "each look counts once")
        }
    }

    /// More than the broker takes back one by one in their order, through several consumers.
    @Test func longQueuesKeepTheirOrder() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 500)
            for count in [500, 40, 300, 1, 77] {
                let (seen, look) = try await look(queue, count, first: 9)
                #expect(seen == ids(0..<count) && look.keptOrder)
                #expect(try await AMQPTestBroker.ready(queue) == 500, "not back yet")
            }
            let left = try await drain(queue)
            #expect(left.map(\.id) == ids(0..<500))
            #expect(left.map(\.returns).max() == 5)
        }
    }

    @Test func withoutCareForTheOrderNothingElseIsTaken() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 5)
            _ = try await look(queue, 5)
            let (_, look) = try await look(queue, 2, keepsOrder: false)
            #expect(look.taken == 2 && !look.keptOrder)
            #expect(try await drain(queue).map(\.returns).reduce(0, +) == 7)
        }
    }

    @Test func notManyMoreAreTakenThanAreNeeded() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 20)
            #expect(try await look(queue, 4).look.taken == 4)
            // The three others that were returned have to be taken as well, and it asks for as many again each time.
            let (seen, second) = try await look(queue, 1)
            #expect(seen == ids(0..<1) && second.taken == 8 && second.keptOrder)
            let left = try await drain(queue)
            #expect(left.map(\.id) == ids(0..<20))
            #expect(left.map(\.returns) == [2, 2, 2, 2, 1, 1, 1, 1] + Array(repeating: 0, count: 12))
        }
    }

    @Test func lettingGoReturnsAtOnceAndSaysThatTheOrderChanged() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 5)
            _ = try await look(queue, 5)
            let (seen, look) = try await look(queue, 2, then: .letGo)
            #expect(seen == ids(0..<2) && look.taken == 2 && !look.keptOrder)
            #expect(try await drain(queue).map(\.id).sorted() == ids(0..<5))
        }
    }

    @Test func noMoreIsHeldThanAllowed() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 6)
            let first = try await look(queue, 100, bound: 4)
            #expect(first.ids == ids(0..<4) && first.look.taken == 4 && first.look.keptOrder)
            let second = try await look(queue, 100, bound: 3)
            #expect(second.look.taken == 3 && !second.look.keptOrder)
            let whole = try await look(queue, 100, bound: 6)
            #expect(whole.look.taken == 6 && whole.look.keptOrder)
            #expect(try await drain(queue).count == 6)
        }
    }

    @Test func anErrorInTheMiddleGivesEverythingBack() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 5)
            let configuration = try AMQPTestBroker.configuration()
            let error = await #expect(throws: AMQPError.self) {
                try await AMQPAdmin.withConnection(configuration) { session throws(AMQPError) in
                    var count = 0
                    _ = try session.look(at: queue, holdingAtMost: 100) { _ throws(AMQPError) in
                        count += 1
                        if count == 3 { throw AMQPError(.system, "enough of it") }
                        return .goOn
                    }
                }
            }
            #expect(error?.code == .system)
            #expect(try await drain(queue).map(\.id).sorted() == ids(0..<5))
        }
    }

    @Test func aCancelledLookGivesEverythingBack() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 50)
            let configuration = try AMQPTestBroker.configuration()
            let (half, goOn) = (Watched(false), Watched(false))
            let task = Task {
                try await AMQPAdmin.withConnection(configuration) { session throws(AMQPError) in
                    var count = 0
                    return try session.look(at: queue, holdingAtMost: 100) { _ in
                        count += 1
                        guard count == 25 else { return .goOn }
                        half.update { $0 = true }
                        // This is the connection's own thread: it may wait.
                        while !goOn.value { _ = poll(nil, 0, 1) }
                        return .goOn
                    }
                }
            }
            #expect(await half.wait { $0 })
            #expect(try await AMQPTestBroker.waitForReady(queue, 18), "they are held")
            task.cancel()
            goOn.update { $0 = true }
            let error = await #expect(throws: AMQPError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await AMQPTestBroker.waitForReady(queue, 50))
            let left = try await drain(queue)
            #expect(left.map(\.id) == ids(0..<50))
            #expect(left.map(\.returns).max() == 1)
        }
    }

    @Test func aConnectionThatBreaksGivesEverythingBack() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            try await AMQPTestBroker.fill(queue, count: 20)
            let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
            defer { proxy.close() }
            let configuration = try AMQPTestBroker.configuration(port: proxy.port)
            let error = await #expect(throws: AMQPError.self) {
                try await AMQPAdmin.withConnection(configuration) { session throws(AMQPError) in
                    var count = 0
                    _ = try session.look(at: queue, holdingAtMost: 100) { _ in
                        count += 1
                        if count == 10 { proxy.cut() }
                        return .goOn
                    }
                }
            }
            #expect(error?.code == .connectionLost)
            #expect(try await AMQPTestBroker.waitForReady(queue, 20))
            #expect(try await drain(queue).map(\.id) == ids(0..<20))
        }
    }

    @Test func anEmptyQueueAndNone() async throws {
        try await AMQPTestBroker.withQueue(arguments: Self.generous) { queue in
            let (seen, look) = try await look(queue, 5)
            #expect(seen.isEmpty && look.taken == 0 && look.keptOrder)
        }
        let error = await #expect(throws: AMQPError.self) {
            _ = try await look(AMQPTestBroker.uniqueName(), 5)
        }
        #expect(error?.code == .notFound)
    }
}
