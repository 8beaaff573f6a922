// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import Logging
internal import ServiceLifecycle

/// Deliveries in, settlements out: the consuming connection and everything that is in flight behind it.
///
/// Slots are the prefetch: the broker lends no more deliveries than may be worked on at once, and each has a task.
struct ConsumeService: Service {
    let consumer: AMQPConsumer
    let pipeline: Pipeline
    let grace: Duration
    let logger: Logger
    /// What has to be true before the first command is taken.
    let prepare: @Sendable () async throws -> Void

    private let inFlight = InFlight()

    init(
        consumer: AMQPConsumer, pipeline: Pipeline, grace: Duration, logger: Logger,
        prepare: @escaping @Sendable () async throws -> Void
    ) {
        self.consumer = consumer
        self.pipeline = pipeline
        self.grace = grace
        self.logger = logger
        self.prepare = prepare
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await prepare() }
        } catch is CancellationError {
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await consumer.run() }
            group.addTask { await dispatch() }
            group.addTask { await tell() }
            group.addTask {
                // Thrown when the task group is cancelled instead of shut down gracefully: drain all the same.
                do { try await gracefulShutdown() } catch {}
                await drain()
            }
            await group.waitForAll()
        }
    }

    private func dispatch() async {
        await withDiscardingTaskGroup { group in
            for await delivery in consumer.deliveries {
                inFlight.enter()
                group.addTask {
                    _ = await pipeline.handle(BrokerDelivery(delivery, from: consumer))
                    inFlight.leave()
                }
            }
        }
    }

    /// No new deliveries at once; what only waits is released; transfers may finish within the grace; then the rest is
    /// handed back and the connection closed. Heartbeats go on all the while: the connection has a thread of its own.
    private func drain() async {
        logger.notice("draining", metadata: ["in.flight": "\(inFlight.count)"])
        await consumer.cancelConsumers()
        pipeline.stop(.soft)
        let deadline = Task {
            try await Task.sleep(for: grace)
            logger.warning(
                "the grace is over; letting go of what is left", metadata: ["in.flight": "\(inFlight.count)"])
            pipeline.stop(.hard)
        }
        await inFlight.waitUntilIdle()
        deadline.cancel()
        await consumer.shutdown()
        logger.notice("drained")
    }

    private func tell() async {
        for await event in consumer.events { logger.note(event, connection: "consumer") }
    }
}

extension Logger {
    /// One line for what happened to a connection.
    func note(_ event: AMQPConnectionEvent, connection: String) {
        let base: Logger.Metadata = ["connection": "\(connection)"]
        func log(_ level: Logger.Level, _ message: Logger.Message, _ more: Logger.Metadata = [:]) {
            self.log(level: level, message, metadata: base.merging(more) { $1 })
        }
        switch event {
        case .connected(let server): log(.info, "connected to broker", ["broker.version": "\(server.version)"])
        case .disconnected(let error): log(.warning, "broker connection lost", ["error": "\(error)"])
        case .blocked(let reason): log(.warning, "the broker blocks publishers", ["reason": "\(reason)"])
        case .unblocked: log(.info, "the broker takes messages again")
        case .consumerStarted(let queue): log(.info, "consuming", ["queue": "\(queue)"])
        case .consumerCancelled(let queue, let byServer):
            log(byServer ? .warning : .info, "consumer cancelled", ["queue": "\(queue)", "by.server": "\(byServer)"])
        case .consumerFailed(let queue, let error):
            log(.error, "queue cannot be consumed", ["queue": "\(queue)", "error": "\(error)"])
        }
    }
}
