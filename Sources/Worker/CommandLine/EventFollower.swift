// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import Logging
internal import Synchronization

/// Follows the events of some commands through a queue of its own, which the broker removes with the connection.
final class EventFollower: Sendable {
    private let consumer: AMQPConsumer
    private let display: ProgressDisplay
    private let output: OutputFormat
    private let state: Mutex<State>

    private struct State {
        var open: Set<String>
        var failed = 0
        var isReady = false
        var isPublished = false
        var ready: CheckedContinuation<Void, Never>?
    }

    init(
        connection: AMQPConnectionConfiguration, settings: Settings.AMQP, commandIDs: Set<String>,
        display: ProgressDisplay, output: OutputFormat
    ) throws(AMQPError) {
        let queue = "nlu.export.wait.\(SystemEnvironment().uniqueID())"
        let topology = AMQPTopology(
            exchanges: [],
            queues: [.init(name: queue, isDurable: false, isExclusive: true, isAutoDelete: true)],
            bindings: [.init(queue: queue, exchange: settings.eventsExchange, routingKey: "nlu.export.#")])
        consumer = try AMQPConsumer(
            connection: connection, topology: topology,
            subscriptions: [AMQPSubscription(queue: queue, prefetch: 256, consumerTag: queue)],
            maximumBodyBytes: 1 << 20, logger: Logger(label: "submit"))
        self.display = display
        self.output = output
        state = Mutex(State(open: commandIDs))
    }

    /// Waits for the queue to be bound, runs `publish`, and follows the commands until all are decided, the time is
    /// over, or SIGINT or SIGTERM comes; a second signal ends the process at once.
    func follow(timeout: Duration?, publish: @escaping @Sendable () async throws -> Void) async throws -> WorkerExit {
        let (signals, sink) = AsyncStream.makeStream(of: Void.self)
        return try await withSignalHandling(logger: Logger(label: "submit"), onFirst: { sink.yield() }) {
            try await follow(timeout: timeout, until: signals, publish: publish)
        }
    }

    private func follow(
        timeout: Duration?, until signals: AsyncStream<Void>, publish: @escaping @Sendable () async throws -> Void
    ) async throws -> WorkerExit {
        try await withThrowingTaskGroup(of: WorkerExit?.self) { group in
            group.addTask {
                for await _ in signals { return .undecided }
                return nil
            }
            group.addTask {
                await self.consumer.run()
                return nil
            }
            group.addTask {
                await self.watchConnection()
                return nil
            }
            group.addTask {
                await self.waitUntilReady()
                // The end of the connection wakes this too.
                try Task.checkCancellation()
                try await publish()
                self.state.withLock { $0.isPublished = true }
                return nil
            }
            group.addTask { await self.collect() }
            if let timeout {
                group.addTask {
                    try await Task.sleep(for: timeout)
                    return .undecided
                }
            }
            defer { group.cancelAll() }
            while let end = try await group.next() {
                if let end { return conclude(end) }
            }
            return .internal
        }
    }

    private func conclude(_ end: WorkerExit) -> WorkerExit {
        display.close()
        let (open, isPublished) = state.withLock { ($0.open.sorted(), $0.isPublished) }
        for id in open {
            CommandOutput.complain(
                isPublished
                    ? "\(id) is not decided yet; it stays in its queue or in work"
                    : "\(id) may not have been submitted; submit it again with --command-id \(id)")
        }
        return end
    }

    private func waitUntilReady() async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if !state.isReady { state.ready = continuation }
                return state.isReady
            }
            if isReady { continuation.resume() }
        }
    }

    private func watchConnection() async {
        for await event in consumer.events {
            switch event {
            case .consumerStarted: becomeReady()
            case .disconnected(let error): CommandOutput.complain("broker: \(error)")
            case .consumerFailed(_, let error): CommandOutput.complain("broker: \(error)")
            default: break
            }
        }
        becomeReady()
    }

    private func becomeReady() {
        let waiter = state.withLock { state in
            state.isReady = true
            defer { state.ready = nil }
            return state.ready
        }
        waiter?.resume()
    }

    private func collect() async -> WorkerExit? {
        for await delivery in consumer.deliveries {
            await consumer.settle(delivery.tag, .acknowledge)
            guard let event = FollowedEvent(delivery.body) else { continue }
            if let end = take(event, delivery.body) { return end }
        }
        return nil
    }

    /// Takes over what an event says; the exit once the last command is decided.
    private func take(_ event: FollowedEvent, _ body: [UInt8]) -> WorkerExit? {
        guard state.withLock({ $0.open.contains(event.commandID) }) else { return nil }
        switch event.news {
        case .progress(let update): display.update(update)
        case .ended(let result):
            let isFailure = if case .failure = result { true } else { false }
            display.finished(event.commandID, result)
            if output == .json { CommandOutput.print(String(decoding: body, as: UTF8.self)) }
            let (open, failed) = state.withLock { state in
                state.open.remove(event.commandID)
                if isFailure { state.failed += 1 }
                return (state.open.count, state.failed)
            }
            if open == 0 { return failed > 0 ? .commandFailed : .success }
        }
        return nil
    }
}

/// What an event says to somebody who waits for a command.
struct FollowedEvent {
    enum News {
        case progress(ProgressUpdate)
        case ended(ProgressResult)
    }

    let commandID: String
    let news: News

    /// Nil for anything that is no event of ours.
    init?(_ body: [UInt8]) {
        guard let value = try? StrictJSON.parse(body), let data = value["data"],
            let id = data["commandId"]?.string, let name = value["event"]?.string
        else { return nil }
        commandID = id
        switch name {
        case ExportEvent.Kind.completed.name:
            let location = data["storageLocation"]?.string ?? "?"
            let size = data["artifactSizeBytes"]?.int.map { ProgressText.bytes(Double($0)) } ?? "?"
            news = .ended(.success("\(location) (\(size))"))
        case ExportEvent.Kind.failed.name:
            let error = data["error"]
            let code = error?["code"]?.string ?? "?"
            news = .ended(.failure("\(code): \(error?["message"]?.string ?? "")"))
        default:
            news = .progress(
                ProgressUpdate(
                    commandID: id, stage: data["stage"]?.string ?? "?",
                    percent: data["percent"]?.double, bytes: data["bytes"]?.int))
        }
    }
}
