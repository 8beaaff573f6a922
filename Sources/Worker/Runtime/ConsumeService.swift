// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import Logging
internal import ServiceLifecycle

/// Deliveries in, settlements out: the consuming connection and everything that is in flight behind it.
struct ConsumeService: Service {
    let consumer: AMQPConsumer
    let intake: Intake
    let pipeline: Pipeline
    let grace: Duration
    let logger: Logger
    /// What has to be true before the first command is taken.
    let prepare: @Sendable () async throws -> Void

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await prepare() }
        } catch is CancellationError {
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await consumer.run() }
            group.addTask { await intake.run() }
            group.addTask { await tell() }
            group.addTask {
                // Thrown when the task group is cancelled instead of shut down gracefully: drain all the same.
                do { try await gracefulShutdown() } catch {}
                await drain()
            }
            await group.waitForAll()
        }
    }

    /// Heartbeats go on all the while: the connection has a thread of its own.
    private func drain() async {
        logger.notice("draining", metadata: inFlight)
        await intake.drain(grace: grace) {
            logger.warning("the grace is over; letting go of what is left", metadata: inFlight)
        }
        await consumer.shutdown()
        logger.notice("drained")
    }

    private var inFlight: Logger.Metadata {
        let (deliveries, runs) = pipeline.inFlight
        return ["in.flight": "\(deliveries)", "runs": "\(runs)"]
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

    /// One line for what became known about a dependency.
    func note(_ change: HealthChange) {
        switch change {
        case .opened(let outage):
            error(
                "paused: a dependency is out of order",
                metadata: ["dependency": "\(outage.dependency)", LogKey.reason: "\(outage.reason)"])
        case .closed(let outage):
            notice("resumed: the dependency serves again", metadata: ["dependency": "\(outage.dependency)"])
        }
    }
}
