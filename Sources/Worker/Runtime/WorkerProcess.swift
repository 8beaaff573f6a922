// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import FoundationEssentials
package import Logging
package import ServiceLifecycle
package import UnixSignals

/// The worker as a process: puts the parts together, runs them until a signal, and says how it ended.
package enum WorkerProcess {
    /// Runs until SIGTERM or SIGINT; commands in flight are finished or handed back before it returns.
    package static func run(settings: Settings) async -> WorkerExit {
        let logger = Logger(label: "nlu-export-worker")
        do {
            try await serve(settings, logger)
            return .success
        } catch let error as AssemblyError {
            return fail(logger, "the configuration cannot be used", error, .configuration)
        } catch let error as UnsuitableStore {
            return fail(logger, "the object store cannot be used", error, .configuration)
        } catch let error as UnprovenDeadLetters {
            return fail(logger, "the command queue is not safe to consume", error, .configuration)
        } catch let error as AMQPError where error.code == .invalidConfiguration {
            return fail(logger, "the configuration cannot be used", error, .configuration)
        } catch let error as SecretError {
            return fail(logger, "a secret cannot be read", error, .configuration)
        } catch {
            return fail(logger, "the worker stopped", error, .internal)
        }
    }

    private static func fail(
        _ logger: Logger, _ message: Logger.Message, _ error: any Error, _ exit: WorkerExit
    ) -> WorkerExit {
        logger.critical(message, metadata: [LogKey.error: "\(error)"])
        return exit
    }

    private static func serve(_ settings: Settings, _ logger: Logger) async throws {
        try await makeGroup(
            settings: settings, logger: logger, environmentVariables: ProcessInfo.processInfo.environment,
            signals: [.sigterm, .sigint]
        ).run()
    }

    /// The worker as a group of services that has not begun to run. Tests run several in one process.
    ///
    /// - Throws: `AssemblyError`, `AMQPError`, `SecretError` for a configuration that cannot be used.
    package static func makeGroup(
        settings: Settings, logger: Logger, environmentVariables: [String: String], signals: [UnixSignal] = [],
        watchdog: WatchdogLimits = WatchdogLimits()
    ) async throws -> ServiceGroup {
        let parts = try WorkerParts(settings: settings, logger: logger, environmentVariables: environmentVariables)
        let broker = BrokerConfiguration(settings: settings.amqp)
        let publisher = try AMQPPublisher(
            connection: await broker.connection("events", identity: parts.identity),
            topology: broker.eventsTopology, logger: logger)
        let subscriptions = broker.subscriptions(identity: parts.identity)
        let consumer = try AMQPConsumer(
            connection: await broker.connection("commands", identity: parts.identity), topology: broker.topology,
            subscriptions: subscriptions,
            maximumBodyBytes: settings.amqp.maxCommandBytes, logger: logger)
        let reporter = ProgressReporter(
            publisher: publisher, exchange: settings.amqp.eventsExchange, source: settings.events.source,
            environment: parts.environment)
        var observers: [any PipelineObserver] = [LogObserver(logger: logger)]
        if settings.events.progress { observers.append(reporter) }
        let (pipeline, health) = parts.pipeline(
            events: BrokerEventPublisher(
                publisher: publisher, exchange: settings.amqp.eventsExchange,
                requiresRoute: settings.events.requireRoute), publisher: publisher,
            observer: ObserverGroup(observers: observers))
        logger.notice(
            "starting",
            metadata: [
                "version": "\(WorkerVersion.text)", "instance": "\(parts.identity.instance)",
                "queues": "\(settings.amqp.commandQueues.joined(separator: ","))",
            ])
        let intake = Intake(
            source: BrokerSource(consumer, subscriptions: subscriptions), pipeline: pipeline, health: health,
            tenants: settings.tenants.map(\.name), environment: parts.environment)
        publisher.observe { event in
            // Known before the first event that could not be published.
            guard case .blocked(let reason) = event else { return }
            health.report(.broker, WorkerProbe.blocked(reason))
        }
        return group(
            parts, publisher: publisher, consumer: consumer, intake: intake, pipeline: pipeline, reporter: reporter,
            pauses: parts.pauseWatch(health), watchdog: watchdog, signals: signals, logger: logger)
    }

    /// The services in the order they start; they stop in the reverse order.
    private static func group(
        _ parts: WorkerParts, publisher: AMQPPublisher, consumer: AMQPConsumer, intake: Intake, pipeline: Pipeline,
        reporter: ProgressReporter, pauses: PauseWatch, watchdog: WatchdogLimits, signals: [UnixSignal], logger: Logger
    ) -> ServiceGroup {
        let lease = parts.leaseKeeper()
        let consume = ConsumeService(
            consumer: consumer, intake: intake, pipeline: pipeline, grace: parts.settings.shutdownGrace, logger: logger
        ) {
            let tell: @Sendable (String) -> Void = { why in
                logger.warning("not consuming yet", metadata: [LogKey.reason: "\(why)"])
            }
            try await StoreGuard(parts: parts).waitUntilProven(onWaiting: tell)
            try await DeadLetterGuard(parts: parts).waitUntilProven(onWaiting: tell)
            // Others must be able to see this process alive before it owns anything.
            try await lease.renewUntilWritten(environment: parts.environment)
            await pauses.look()
        }
        let watch = Watchdog(
            consumer: consumer, publisher: publisher, http: parts.http, lease: lease,
            leaseRenew: parts.settings.lease.renew, limits: watchdog, logger: logger)
        // Nobody but the owner of the process may end it at a signal, or decide over the memory of all of it.
        let ownersOnly: [any Service] =
            signals.isEmpty
            ? [] : [SecondSignalService(logger: logger), StartMemoryService(environment: parts.environment)]
        let services: [any Service] =
            ownersOnly + [
                WatchdogService(watchdog: watch, logger: logger), HTTPService(client: parts.http),
                PublishService(publisher: publisher, logger: logger), reporter,
                LeaseService(keeper: lease, logger: logger), PauseService(watch: pauses), consume,
            ]
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: signals, logger: logger)
        configuration.maximumGracefulShutdownDuration = parts.settings.shutdownGrace + .seconds(15)
        return ServiceGroup(configuration: configuration)
    }
}

extension LeaseKeeper {
    /// Writes the first lease, however long that takes.
    func renewUntilWritten(environment: any PipelineEnvironment) async throws(CancellationError) {
        var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(15))
        while true {
            do throws(StepError) {
                return try await renew()
            } catch {
                try await environment.sleep(backoff.next(jitter: environment.jitter()))
            }
        }
    }
}
