// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import ExportPipeline
import Foundation
import HTTPTransport
import Logging
import Synchronization
import Testing

@testable import Worker

/// The watchdog over loops that are made to hang, each in a process of its own that the watchdog has to end.
@Suite(.timeLimit(.minutes(2))) struct WatchdogTests {
    @Test func aLoopThatTurnsWhenItIsPingedIsLeftAlone() async {
        let turns = Atomic<UInt64>(0)
        let stalls = Mutex<[Watchdog.Stall]>([])
        let (pings, sink) = AsyncStream.makeStream(of: Void.self)
        let loop = WatchedLoop(name: "good", limit: .milliseconds(30)) {
            turns.wrappingAdd(1, ordering: .relaxed)
            sink.yield()
        } turns: {
            turns.load(ordering: .relaxed)
        }
        let watchdog = Watchdog([loop], tick: .milliseconds(10)) { stall in stalls.withLock { $0.append(stall) } }
        #expect(watchdog.start())
        var count = 0
        for await _ in pings {
            count += 1
            if count == 20 { break }
        }
        watchdog.stop()
        #expect(stalls.withLock { $0 } == [])
        #expect(watchdog.quiet == ["good": .zero])
    }

    @Test func aLoopThatHangsIsNamed() async {
        let (stalls, sink) = AsyncStream.makeStream(of: Watchdog.Stall.self)
        let good = PoolPulse()
        let loops = [
            WatchedLoop(name: "good", limit: .seconds(3600)) {
                good.ask()
            } turns: {
                good.answers
            },
            WatchedLoop(name: "bad", limit: .milliseconds(50)) { 7 },
        ]
        let watchdog = Watchdog(loops, tick: .milliseconds(10)) { sink.yield($0) }
        #expect(watchdog.start())
        let stall = await stalls.first { _ in true }
        #expect(stall == Watchdog.Stall(loop: "bad", duration: .milliseconds(50)))
    }

    @Test func aStoppedProcessIsNoHangingOne() async {
        await #expect(processExitsWith: .success) {
            let pool = PoolPulse()
            let loop = WatchedLoop(name: "task pool", limit: .seconds(1)) {
                pool.ask()
            } turns: {
                pool.answers
            }
            let watchdog = Watchdog([loop], tick: .milliseconds(200), logger: Logger(label: "test"))
            #expect(watchdog.start())
            // Stopped for longer than the limit, three times, by somebody else.
            let me = getpid()
            let script = "for i in 1 2 3; do kill -STOP \(me); sleep 1.5; kill -CONT \(me); sleep 0.1; done"
            let ending = try await status(ofShell: script)
            #expect(ending == 0)
        }
    }

    @Test func aBlockedPoolEndsTheProcess() async throws {
        let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
            _ = LogSetup.start(Settings.Log(level: .info, format: .json))
            let pool = PoolPulse()
            let loop = WatchedLoop(name: "task pool", limit: .milliseconds(200)) {
                pool.ask()
            } turns: {
                pool.answers
            }
            #expect(Watchdog([loop], tick: .milliseconds(20), logger: Logger(label: "test")).start())
            await blockThePool()
        }
        try expect(result, names: "task pool")
    }

    @Test func aBlockedConnectionEndsTheProcess() async throws {
        let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
            _ = LogSetup.start(Settings.Log(level: .info, format: .json))
            var connection = AMQPConnectionConfiguration(
                endpoints: [AMQPEndpoint(host: "127.0.0.1", port: 1)], connectionName: "test")
            // A file on a network share that is gone, say.
            connection.password = AMQPPassword(origin: "nowhere") { () throws(AMQPError) in
                while true { sleep(60) }
            }
            let publisher = try AMQPPublisher(connection: connection, logger: Logger(label: "test"))
            let loop = WatchedLoop(name: "publisher connection", limit: .milliseconds(200)) {
                publisher.ping()
            } turns: {
                publisher.turns
            }
            #expect(Watchdog([loop], tick: .milliseconds(20), logger: Logger(label: "test")).start())
            await publisher.run()
        }
        try expect(result, names: "publisher connection")
    }

    @Test func aBlockedHTTPThreadEndsTheProcess() async throws {
        let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
            _ = LogSetup.start(Settings.Log(level: .info, format: .json))
            // The thread logs when it closes the connections of an idle client, and gets stuck in that.
            var configuration = HTTPClientConfiguration()
            configuration.idleClose = .milliseconds(50)
            let client = HTTPClient(
                configuration: configuration, logger: Logger(label: "stuck") { _ in BlockingLogHandler() })
            let loop = WatchedLoop(name: "HTTP transfers", limit: .milliseconds(200)) {
                client.ping()
            } turns: {
                client.turns
            }
            #expect(Watchdog([loop], tick: .milliseconds(20), logger: Logger(label: "test")).start())
            _ = try? await client.exchange(HTTPRequest(method: .get, url: "http://127.0.0.1:1/"))
            try await Task.sleep(for: .seconds(100))
        }
        try expect(result, names: "HTTP transfers")
    }

    @Test func renewalsThatHangEndTheProcess() async throws {
        let result = await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
            _ = LogSetup.start(Settings.Log(level: .info, format: .json))
            let lease = LeaseKeeper(store: StubStore(isStuck: true))
            let watchdog = try watchdog(over: lease)
            #expect(watchdog.start())
            await lease.run { _ in }
        }
        try expect(result, names: "lease renewal")
    }

    @Test func aStoreThatIsDownIsNoHangingLoop() async {
        await #expect(processExitsWith: .success) {
            let lease = LeaseKeeper(store: StubStore(isStuck: false))
            let watchdog = try watchdog(over: lease)
            #expect(watchdog.start())
            let (failures, sink) = AsyncStream.makeStream(of: Void.self)
            let renewing = Task { await lease.run { _ in sink.yield() } }
            // Far longer than the limit.
            var count = 0
            for await _ in failures {
                count += 1
                if count == 150 { break }
            }
            renewing.cancel()
            await renewing.value
            #expect(lease.begun == nil)
        }
    }

    private func expect(_ result: ExitTest.Result?, names loop: String) throws {
        let errors = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(errors.contains(#""level":"critical""#), "\(errors)")
        #expect(errors.contains(#""loop":"\#(loop)""#), "\(errors)")
    }
}

/// The first SIGTERM or SIGINT is passed on, the second ends the process whatever hangs.
@Suite(.timeLimit(.minutes(2))) struct EndingSignalsTests {
    @Test func theFirstSignalIsPassedOn() async {
        await #expect(processExitsWith: .success) {
            let (firsts, sink) = AsyncStream.makeStream(of: Void.self)
            await withSignalHandling(logger: Logger(label: "test")) {
                sink.yield()
            } _: {
                kill(getpid(), SIGTERM)
                for await _ in firsts { break }
            }
        }
    }

    @Test func theSecondSignalEndsAtOnce() async throws {
        let result = await #expect(processExitsWith: .exitCode(128 + SIGINT), observing: [\.standardErrorContent]) {
            _ = LogSetup.start(Settings.Log(level: .info, format: .json))
            await withSignalHandling(logger: Logger(label: "test")) {
                // Neither a task nor the thread of the first signal's handler has to be free.
                kill(getpid(), SIGINT)
            } _: {
                kill(getpid(), SIGTERM)
                await blockThePool()
            }
        }
        let errors = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(errors.contains("ending in good order"), "\(errors)")
        #expect(errors.contains("ending at once"), "\(errors)")
    }
}

/// The watchdog of a worker of which only the lease is renewed.
private func watchdog(over lease: LeaseKeeper) throws -> Watchdog {
    let logger = Logger(label: "test")
    let connection = AMQPConnectionConfiguration(
        endpoints: [AMQPEndpoint(host: "127.0.0.1", port: 1)], connectionName: "test")
    var limits = WatchdogLimits()
    limits.tick = .milliseconds(20)
    limits.lease = .milliseconds(1500)
    return Watchdog(
        consumer: try AMQPConsumer(
            connection: connection, topology: .none,
            subscriptions: [AMQPSubscription(queue: "q", prefetch: 1, consumerTag: "c")], maximumBodyBytes: 1,
            logger: logger),
        publisher: try AMQPPublisher(connection: connection, logger: logger), http: HTTPClient(logger: logger),
        lease: lease, leaseRenew: .milliseconds(20), limits: limits, logger: logger)
}

extension LeaseKeeper {
    fileprivate convenience init(store: StubStore) {
        var policy = LeasePolicy()
        policy.renew = .milliseconds(20)
        self.init(
            store: store, key: "lease", instance: "i", worker: "w", policy: policy, environment: SystemEnvironment())
    }
}

/// A store that never answers, or refuses at once.
private struct StubStore: StateStore {
    let isStuck: Bool

    func read(_ key: String) async throws(StepError) -> StateDocument? { nil }

    func write(_ bytes: [UInt8], to key: String, if condition: WriteCondition) async throws(StepError) -> WriteResult {
        while isStuck { do { try await Task.sleep(for: .seconds(60)) } catch {} }
        throw StepError(.transient(), "the store is down")
    }

    func delete(_ key: String) async throws(StepError) {}
}

/// Keeps every thread of the cooperative pool, this one included.
private func blockThePool() async {
    for _ in 0..<256 { Task { sleep(60) } }
    while true { sleep(60) }
}

/// How a shell script ended.
private func status(ofShell script: String) async throws -> Int32 {
    try await withCheckedThrowingContinuation { continuation in
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script]
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do { try process.run() } catch { continuation.resume(throwing: error) }
    }
}

/// A log handler that gets stuck.
private struct BlockingLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { while true { sleep(60) } }
}
