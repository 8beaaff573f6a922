// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import ExportPipeline
import Foundation
import HTTPTransport
import Logging
import ServiceLifecycle
import TestKit
import Testing

@testable import Worker

/// A whole worker with a loop that hangs: the watchdog ends its process, and another worker goes on.
@Suite(.enabled(if: Stack.isAvailable), .timeLimit(.minutes(3))) struct WatchdogStackTests {
    @Test func aWorkerThatIsDeafEndsItself() async throws {
        let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
            try await Self.runUntilDeaf()
        }
        let errors = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(errors.contains(#""message":"consuming""#), "\(errors)")
        #expect(errors.contains("a loop of the worker hangs"), "\(errors)")
        #expect(errors.contains("consumer connection") || errors.contains("publisher connection"), "\(errors)")
    }

    @Test func deliveriesThatNobodyTakesEndTheProcess() async throws {
        let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
            _ = LogSetup.start(Settings.Log(level: .info, format: .json))
            let configuration = try AMQPTestBroker.configuration()
            let logger = Logger(label: "worker")
            try await AMQPTestBroker.withQueue { queue in
                try await AMQPTestBroker.fill(queue, count: 3)
                let publisher = try AMQPPublisher(connection: configuration, logger: logger)
                try await withConsumer([queue], configuration: configuration) { (consumer, log) async throws in
                    var limits = WatchdogLimits()
                    limits.tick = .milliseconds(100)
                    limits.pool = .seconds(2)
                    let watchdog = Watchdog(
                        consumer: consumer, publisher: publisher, http: HTTPClient(logger: logger), lease: .idle,
                        leaseRenew: .seconds(15), limits: limits, logger: logger)
                    #expect(watchdog.start())
                    // One is taken, which is not enough.
                    _ = await consumer.take(1)
                    try await Task.sleep(for: .seconds(100))
                }
            }
        }
        let errors = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(errors.contains(#""loop":"dispatch of deliveries""#), "\(errors)")
    }

    /// A worker that consumes, and then hangs in reading its password: the file has become a pipe to which nobody
    /// writes, as good as a network share that is gone.
    private static func runUntilDeaf() async throws {
        _ = LogSetup.start(Settings.Log(level: .info, format: .json))
        let proxy = try TCPProxy(to: try AMQPTestBroker.endpoint().port)
        let endpoint = try AMQPTestBroker.endpoint()
        let file = FileManager.default.temporaryDirectory.appending(path: AMQPTestBroker.uniqueName("password"))
        try Data(endpoint.password.utf8).write(to: file)
        try await Stack.run(configure: {
            $0["NLU_EXPORT_AMQP_URL"] = "amqp://127.0.0.1:\(proxy.port)/%2f"
            $0["NLU_EXPORT_AMQP_USERNAME"] = endpoint.user
            $0["NLU_EXPORT_AMQP_PASSWORD_FILE"] = file.path
        }) { stack in
            var limits = WatchdogLimits()
            limits.tick = .milliseconds(100)
            limits.thread = .seconds(3)
            let log = LogWatch()
            let group = try await WorkerProcess.makeGroup(
                settings: Stack.settings(stack.variables), logger: log.alongside(Logger(label: "worker")),
                environmentVariables: stack.variables, watchdog: limits)
            let running = Task { try await group.run() }
            try #require(await log.wait(for: "consuming"))
            try FileManager.default.removeItem(at: file)
            let isPipe = unsafe mkfifo(file.path, 0o600) == 0
            try #require(isPipe)
            proxy.cut()
            try await running.value
        }
    }
}

extension LeaseKeeper {
    /// One that is not renewed.
    fileprivate static var idle: LeaseKeeper {
        LeaseKeeper(
            store: NoStore(), key: "k", instance: "i", worker: "w", policy: LeasePolicy(),
            environment: SystemEnvironment())
    }

    private struct NoStore: StateStore {
        func read(_ key: String) async throws(StepError) -> StateDocument? { nil }
        func write(
            _ bytes: [UInt8], to key: String, if condition: WriteCondition
        ) async throws(StepError) -> WriteResult { .conflict }
        func delete(_ key: String) async throws(StepError) {}
    }
}

extension LogWatch {
    /// A logger whose lines are kept here and go where `other` writes them as well.
    fileprivate func alongside(_ other: Logger) -> Logger {
        let (mine, theirs) = (logger.handler, other.handler)
        return Logger(label: other.label) { _ in MultiplexLogHandler([mine, theirs]) }
    }
}
