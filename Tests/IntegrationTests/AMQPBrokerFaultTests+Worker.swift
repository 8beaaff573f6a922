// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import TestKit
import Testing

extension AMQPBrokerFaultTests {
    /// Whole workers while the broker itself is in trouble.
    @Suite(.enabled(if: Stack.isAvailable)) struct WorkerTests {
        /// What happens to the broker while jobs are under way.
        enum Trouble: String, CaseIterable, Sendable {
            case closesConnections, restarts, isKilled

            func cause() async throws {
                switch self {
                case .closesConnections: try await AMQPTestBroker.control("close_all_connections", "a test")
                case .restarts:
                    try await AMQPTestBroker.control("stop_app")
                    try await AMQPTestBroker.control("start_app")
                case .isKilled: try await AMQPTestBroker.killAndRestart()
                }
            }

            static var possible: [Trouble] {
                AMQPTestBroker.serviceCommand == nil ? [.closesConnections, .restarts] : allCases
            }
        }

        @Test(arguments: Trouble.possible) func runsOutliveTheirConnection(trouble: Trouble) async throws {
            let clock = ManualClock()
            let models = (0..<4).map { "takes-10s-size-20KiB-m\($0)" }
            try await Stack.run(clock: clock) { stack in
                let log = LogWatch()
                var ids: [String] = []
                try await stack.withWorkers(logger: log.logger) {
                    for model in models { ids.append(try await stack.submit(model: model)) }
                    for model in models { try #require(await stack.waitForRequests(1, .poll, model: model)) }
                    try await trouble.cause()
                    // Delivered again, each shares the run that goes on.
                    try #require(await log.wait(for: "command received", count: 2 * models.count), "\(log.text)")
                    clock.advance(by: .seconds(11))
                    try #require(await log.wait(for: "delivery settled", count: models.count), "\(log.text)")
                }
                #expect(log.settlements == models.map { _ in "acknowledge" }, "\(log.text)")
                #expect(log.lines.count { $0.message == "run started" } == models.count)
                for id in ids { _ = try await stack.events.end(of: id) }
                try await stack.expectCompleted(ids)
            }
        }

        @Test func anAlarmHoldsTheEventAndTheAcknowledgement() async throws {
            let clock = ManualClock()
            let model = "takes-10s-size-20KiB-alarm"
            try await Stack.run(clock: clock, configure: { $0["NLU_EXPORT_AMQP_HEARTBEAT"] = "1s" }) { stack in
                let log = LogWatch()
                var id = ""
                try await stack.withWorkers(logger: log.logger) {
                    id = try await stack.submit(model: model)
                    try #require(await stack.waitForRequests(1, .poll, model: model), "\(log.text)")
                    try await AMQPTestBroker.withAlarm {
                        clock.advance(by: .seconds(11))
                        try #require(await log.wait(for: "the broker blocks publishers"), "\(log.text)")
                        let isPaused = await log.wait(for: "paused: a dependency is out of order") {
                            $0.metadata["dependency"] == "broker"
                        }
                        #expect(isPaused, "\(log.text)")
                        // The broker ends a connection that it has not heard of for two heartbeats.
                        try await Task.sleep(for: .seconds(4))
                        #expect(log.settlements == [], "\(log.text)")
                    }
                    try #require(await log.wait(for: "delivery settled"), "\(log.text)")
                }
                #expect(log.settlements == ["acknowledge"], "\(log.text)")
                #expect(log.lines.count { $0.message == "broker connection lost" } == 0, "\(log.text)")
                _ = try await stack.events.end(of: id)
                try await stack.expectCompleted([id])
            }
        }

        @Test func aDeliveryHeldTooLongComesBackToItsRun() async throws {
            let clock = ManualClock()
            let model = "takes-10s-size-20KiB-held"
            try await Stack.run(clock: clock) { stack in
                let log = LogWatch()
                var id = ""
                try await stack.withWorkers(logger: log.logger) {
                    try #require(await log.wait(for: "consuming"), "\(log.text)")
                    try await AMQPTestBroker.withConsumerTimeout(milliseconds: 1000) {
                        // Channels made from here on look at their deliveries often.
                        try await AMQPTestBroker.control("close_all_connections", "a test")
                        try #require(await log.wait(for: "consuming", count: 2), "\(log.text)")
                        id = try await stack.submit(model: model)
                        let isClosed = await log.wait(for: "broker connection lost") {
                            $0.metadata["error"]?.contains("406") ?? false
                        }
                        try #require(isClosed, "\(log.text)")
                    }
                    // The last channel made under the short timeout may still be closed: one that cannot be.
                    let seen = log.lines.count { $0.message == "command received" }
                    try await AMQPTestBroker.control("close_all_connections", "a test")
                    try #require(await log.wait(for: "command received", count: seen + 1), "\(log.text)")
                    clock.advance(by: .seconds(11))
                    try #require(await log.wait(for: "delivery settled"), "\(log.text)")
                }
                #expect(log.settlements == ["acknowledge"], "\(log.text)")
                #expect(log.lines.count { $0.message == "run started" } == 1)
                _ = try await stack.events.end(of: id)
                try await stack.expectCompleted([id])
            }
        }

        @Test func aRotatedPasswordNeedsNoRestart() async throws {
            let file = FileManager.default.temporaryDirectory.appending(path: AMQPTestBroker.uniqueName("password"))
            defer { try? FileManager.default.removeItem(at: file) }
            let user = AMQPTestBroker.uniqueName()
            try Data("the-first-password\n".utf8).write(to: file)
            try await AMQPTestBroker.withUser(user, password: "the-first-password") {
                let endpoint = try AMQPTestBroker.endpoint()
                let url = "amqp://\(endpoint.host):\(endpoint.port)/%2f"
                let path = file.path
                try await Stack.run(configure: {
                    $0["NLU_EXPORT_AMQP_URL"] = url
                    $0["NLU_EXPORT_AMQP_USERNAME"] = user
                    $0["NLU_EXPORT_AMQP_PASSWORD_FILE"] = path
                }) { stack in
                    let log = LogWatch()
                    var ids: [String] = []
                    try await stack.withWorkers(logger: log.logger) {
                        ids.append(try await stack.submit(model: "size-20KiB-before"))
                        try #require(await log.wait(for: "delivery settled"), "\(log.text)")
                        try await AMQPTestBroker.control("change_password", user, "the-second-password")
                        try await AMQPTestBroker.control("close_all_connections", "a test")
                        let isTold = await log.wait(for: "broker connection lost") {
                            $0.metadata["error"]?.contains(
                                "(ACCESS_REFUSED for user '\(user)'): check amqp.passwordFile")
                                ?? false
                        }
                        try #require(isTold, "\(log.text)")
                        try Data("the-second-password\n".utf8).write(to: file)
                        ids.append(try await stack.submit(model: "size-20KiB-after"))
                        try #require(await log.wait(for: "delivery settled", count: 2), "\(log.text)")
                    }
                    #expect(!log.text.contains("the-first-password") && !log.text.contains("the-second-password"))
                    for id in ids { _ = try await stack.events.end(of: id) }
                    try await stack.expectCompleted(ids)
                }
            }
        }
    }
}

// MARK: Trouble for the length of a test

extension AMQPTestBroker {
    /// Lets the broker block its publishers while `body` runs.
    static func withAlarm(_ body: () async throws -> Void) async throws {
        try await control("set_vm_memory_high_watermark", "0.00001")
        try await always({ try await control("set_vm_memory_high_watermark", "0.4") }, after: body)
    }

    /// Lets the broker take deliveries back that soon while `body` runs.
    static func withConsumerTimeout(milliseconds: Int, _ body: () async throws -> Void) async throws {
        func set(_ timeout: Int, _ tick: Int) async throws {
            let values = "{consumer_timeout, \(timeout)}, {channel_tick_interval, \(tick)}"
            try await control("eval", "[application:set_env(rabbit, K, V) || {K, V} <- [\(values)]].")
        }
        try await set(milliseconds, 200)
        try await always({ try await set(1_800_000, 60_000) }, after: body)
    }

    /// A user that may do everything while `body` runs.
    static func withUser(_ user: String, password: String, _ body: () async throws -> Void) async throws {
        try await control("add_user", user, password)
        try await control("set_permissions", user, ".*", ".*", ".*")
        try await always({ try await control("delete_user", user) }, after: body)
    }

    private static func always(
        _ tidy: () async throws -> Void, after body: () async throws -> Void
    ) async throws {
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        try await tidy()
        try outcome.get()
    }
}
