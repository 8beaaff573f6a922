// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
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

extension LogWatch {
    /// A logger whose lines are kept here and go where `other` writes them as well.
    fileprivate func alongside(_ other: Logger) -> Logger {
        let (mine, theirs) = (logger.handler, other.handler)
        return Logger(label: other.label) { _ in MultiplexLogHandler([mine, theirs]) }
    }
}
