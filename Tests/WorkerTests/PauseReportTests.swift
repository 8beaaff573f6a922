// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Testing

@testable import Worker

/// What `pause` and `resume` print.
@Suite struct PauseReportTests {
    private let order = PauseOrder(
        by: "ops@host", at: Timestamp(milliseconds: DeadSample.now.milliseconds - 60_000), reason: "why")

    private func orders(_ tenants: String..., everything: Bool = false) -> PauseOrders {
        var orders = PauseOrders()
        if everything { orders.pause(nil, order) }
        for tenant in tenants { orders.pause(tenant, order) }
        return orders
    }

    private func lines(
        _ before: PauseOrders, _ after: PauseOrders, _ action: PauseReport.Action, _ subject: PauseSubject
    ) throws -> [String] {
        let settings = try Sample.inspect("", [:]).settings
        return PauseReport(before: before, after: after, settings: settings, now: DeadSample.now).lines(action, subject)
    }

    private let since = "by ops@host since 2025-11-13T02:12:20Z (1m ago): why"
    private let follow = "workers follow within 15s (lease.renew)"

    @Test func pausingSaysWhatFollows() throws {
        #expect(try lines(orders(), orders("a"), .pause, .tenant("a")) == ["paused tenant a; \(follow)"])
        #expect(try lines(orders(), orders(everything: true), .pause, .everything) == ["paused everything; \(follow)"])
    }

    @Test func pausingTwiceSaysWhoWasFirst() throws {
        #expect(
            try lines(orders("a"), orders("a"), .pause, .tenant("a"))
                == ["tenant a was paused already \(since); nothing was changed"])
    }

    @Test func resumingSaysWhatGoesOn() throws {
        #expect(
            try lines(orders("a", everything: true), orders("a"), .resume, .everything) == [
                "resumed everything, which was paused \(since); \(follow)",
                "tenant a is still paused \(since): nlu-export-worker resume --tenant a",
            ])
        #expect(
            try lines(orders("a", everything: true), orders(everything: true), .resume, .tenant("a")) == [
                "resumed tenant a, which was paused \(since); \(follow)",
                "everything is still paused \(since): nlu-export-worker resume",
            ])
        #expect(try lines(orders(), orders(), .resume, .everything).first?.contains("nothing was changed") == true)
        #expect(try lines(orders(), orders(), .resume, .tenant("a")).first?.contains("by themselves") == true)
        #expect(try lines(orders("a"), orders(), .resume, .all) == ["resumed everything and every tenant; \(follow)"])
    }

    @Test func theStateNamesEveryOrder() throws {
        let settings = try Sample.inspect("", [:]).settings
        func report(_ orders: PauseOrders) -> PauseReport {
            PauseReport(before: orders, after: orders, settings: settings, now: DeadSample.now)
        }
        #expect(report(orders()).state == ["nothing is paused"])
        #expect(
            report(orders("b", "a\u{1B}", everything: true)).state == [
                "everything is paused \(since)", "tenant a\\u{1B} is paused \(since)", "tenant b is paused \(since)",
            ])
        let document = report(orders("a", everything: true)).document
        #expect(document["everything"]?["by"]?.string == "ops@host")
        #expect(document["tenants"]?["a"]?["reason"]?.string == "why")
        #expect(document["followWithin"]?.string == "15s")
    }

    @Test func theOperatorIsNamed() {
        let parts = Operator.name().split(separator: "@")
        #expect(parts.count == 2 && parts.allSatisfy { !$0.isEmpty })
    }
}
