// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// An outage as a test plays it, and how the log must tell of it.
struct OutageCourse {
    /// The dependency as the log names it.
    var dependency: String
    /// What the reason must say: what happened, and what to do about it.
    var says: [String]
    /// Commands carried out before it strikes, such whose jobs are under way then, and such that come while it lasts.
    var before = 0
    var early = 2
    var late = 4
    /// How often it is probed at least before it is mended: hours of it in the time of a test.
    var probes = 200
    /// The most that one command may be delivered before it is carried out.
    var deliveries = 3
    var workers = 1
    /// Makes it happen, and makes it end.
    var strike: () async throws -> Void
    var mend: () async throws -> Void
    /// Waits until there have been so many probes.
    var isProbed: (Int) async -> Bool
    /// Whether exports were asked for in vain.
    var refusedTriggers = false
    /// Whether jobs under way have to end for their commands to meet it.
    var isMetBehindTheJob = false
}

extension Stack {
    /// Settings under which whatever an outage costs a command soon costs it its life.
    static func unforgiving(_ variables: inout [String: String]) {
        variables["NLU_EXPORT_RETRY_INITIAL"] = "10ms"
        variables["NLU_EXPORT_RETRY_MAX"] = "20ms"
        variables["NLU_EXPORT_RETRY_MAX_ATTEMPTS"] = "2"
        variables["NLU_EXPORT_RETRY_TRIGGER_REPEATS"] = "1"
        variables["NLU_EXPORT_RETRY_TRIGGER_DELAY"] = "10ms"
        variables["NLU_EXPORT_RETRY_TRANSFERS"] = "2"
        variables["NLU_EXPORT_RETRY_MAX_RUNS"] = "1"
        // A drain that waits for anything lasts as long, and says so.
        variables["NLU_EXPORT_SHUTDOWN_GRACE"] = "60s"
    }

    /// Plays an outage: commands in flight and waiting, many probes, and then all of them are carried out by the very
    /// workers that met it.
    func rideOut(_ course: OutageCourse) async throws {
        let log = LogWatch()
        var ids: [String] = []
        try await withWorkers(course.workers, logger: log.logger) {
            for number in 0..<course.before {
                ids.append(try await submit(model: "size-20KiB-before\(number)"))
                _ = try await events.end(of: ids[number])
            }
            jobsTake(.seconds(3600))
            for number in 0..<course.early {
                let model = "size-20KiB-early\(number)"
                ids.append(try await submit(model: model))
                try #require(await waitForRequests(1, .poll, model: model), "\(log.text)")
            }
            try #require(await log.wait(for: "consuming", count: course.workers), "\(log.text)")
            try await course.strike()
            if course.isMetBehindTheJob { jobsTake(.milliseconds(1)) }
            for number in 0..<course.late { ids.append(try await submit(model: "size-20KiB-late\(number)")) }
            try await expectPaused(course, Array(ids.dropFirst(course.before)), log)
            jobsTake(.milliseconds(1))
            try await course.mend()
            let dependency = course.dependency
            try #require(await log.wait(for: Self.resumed) { $0.names(dependency) }, "\(log.text)")
            for id in ids { _ = try await events.end(of: id) }
        }
        if course.refusedTriggers {
            #expect(simulator.log.jobs.count == ids.count)
        } else {
            try await expectCompleted(ids)
        }
        expectNothingCounted(log, ids)
        let left = try await leases()
        #expect(left == [], "\(log.text)")
    }

    static let paused = "paused: a dependency is out of order"
    static let resumed = "resumed: the dependency serves again"

    /// The queue is full and nobody takes from it, however long it lasts; the log says what to do.
    func expectPaused(_ course: OutageCourse, _ ids: [String], _ log: LogWatch) async throws {
        let dependency = course.dependency
        try #require(await log.wait(for: Self.paused) { $0.names(dependency) }, "\(log.text)")
        try #require(try await waitForQueue(names.commands, ready: ids.count, consumers: 0), "\(log.text)")
        try #require(await course.isProbed(course.probes), "not probed: \(log.text)")
        let state = try await queueState(names.commands)
        #expect(state == QueueCounts(ready: ids.count, consumers: 0), "\(log.text)")
        #expect(try await ready(names.dead) == 0, "\(log.text)")
        #expect(events.all.allSatisfy { !ids.contains($0.commandID ?? "") })
        let told = log.lines.filter { $0.message == Self.paused }
        #expect(told.allSatisfy { $0.names(course.dependency) }, "\(log.text)")
        let reasons = told.map { $0.metadata["reason"] ?? "" }
        for text in course.says { #expect(reasons.last?.contains(text) ?? false, "\(text) in \(reasons)") }
        #expect(told.count <= 3 * course.workers, "told again and again: \(reasons)")
        let counts = try await deliveryCounts()
        #expect(counts.count == ids.count)
        #expect(counts.allSatisfy { $0 <= course.deliveries }, "\(counts)")
    }

    /// No attempt was counted against any command, and each was let go of cleanly.
    func expectNothingCounted(_ log: LogWatch, _ ids: [String]) {
        let failed = log.lines.filter { $0.message == "command failed" || $0.metadata["settlement"] == "reject" }
        #expect(failed.isEmpty, "\(log.text)")
        #expect(log.settlements.count { $0 == "acknowledge" } == ids.count, "\(log.text)")
        #expect(log.lines.allSatisfy { !$0.message.hasPrefix("the grace is over") }, "\(log.text)")
    }

    /// From now on the tenant's jobs take so long, those under way too.
    func jobsTake(_ duration: Duration) {
        simulator.add(Rule(behaviour: Behaviour(poll: PollBehaviour(duration: HumanDuration(duration)))))
    }
}

extension LogWatch.Line {
    /// Whether the line is about that dependency.
    func names(_ dependency: String) -> Bool { metadata["dependency"] == dependency }
}

// MARK: Queues

/// What the broker says of a queue.
struct QueueCounts: Equatable {
    var ready: Int
    var consumers: Int
}

extension Stack {
    func queueState(_ queue: String) async throws -> QueueCounts {
        let state = try await onBroker { session throws(AMQPError) in try session.queue(queue) }
        return QueueCounts(ready: Int(state?.messageCount ?? 0), consumers: Int(state?.consumerCount ?? 0))
    }

    /// Looks until the queue is so; false after a while, with an issue that says how it is.
    func waitForQueue(_ queue: String, ready: Int, consumers: Int) async throws -> Bool {
        for _ in 0..<1200 {
            if try await queueState(queue) == QueueCounts(ready: ready, consumers: consumers) { return true }
            try await Task.sleep(for: .milliseconds(25))
        }
        Issue.record("\(try await queueState(queue)) instead of \(ready) ready and \(consumers) consumers")
        return false
    }

    /// How often each command that waits was delivered before; looking counts as another delivery.
    func deliveryCounts() async throws -> [Int] {
        let queue = names.commands
        return try await onBroker { session throws(AMQPError) in
            var found: [AMQPDelivery] = []
            while let delivery = try session.get(queue: queue) { found.append(delivery) }
            for delivery in found { _ = try session.settle(delivery.tag, .requeue) }
            return found.map { Int($0.properties.headers["x-delivery-count"]?.intValue ?? 0) }
        }
    }
}
