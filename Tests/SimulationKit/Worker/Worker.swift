// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// The real parts of one worker process, put together as the program does it.
final class Worker: @unchecked Sendable {
    let process: Incarnation
    let subscriber: Subscriber
    private let health: DependencyHealth
    private let pipeline: Pipeline
    private let intake: Intake
    private let keeper: LeaseKeeper
    private let environment: VirtualEnvironment
    private var renewing: Task<Void, Never>?
    private var isDraining = false
    private var isPaused = false
    /// When something last happened that a pause may have waited for.
    private var patientSince = Instant.zero

    private static let template: ObjectKeyTemplate = {
        do { return try ObjectKeyTemplate(ObjectKeyTemplate.standard) } catch {
            preconditionFailure("the standard template is invalid: \(error)")
        }
    }()

    init(_ process: Incarnation) {
        self.process = process
        let world = process.world
        environment = VirtualEnvironment(process: process)
        subscriber = Subscriber(process)
        let state = StatePort(process: process)
        let probe = ProbePort(process: process)
        var healthPolicy = HealthPolicy()
        healthPolicy.suspectAfter = world.scenario.suspectAfter
        health = DependencyHealth(policy: healthPolicy, probe: probe, environment: environment)
        var settings = PipelineSettings(
            instance: process.instance, worker: "host\(process.host)/\(process.number)", actor: "automation_service",
            eventSource: "nlu-export-worker", auditPrefix: "audit/", keyTemplate: Self.template,
            stateKeys: World.stateKeys, commandLimits: CommandLimits(), deliveryLimit: world.scenario.deliveryLimit,
            run: World.policy, lease: LeasePolicy())
        if world.scenario.knowsConsumerTimeout {
            settings.deliveryLease = (world.scenario.consumerTimeout - 2 * .minute).duration
        }
        let parts = PipelineParts(
            exporters: TenantPorts(process: process), artifacts: ArtifactPort(process: process), state: state,
            sinks: [BucketSink(process: process), FileSink(process: process)], events: ExchangePort(process: process),
            environment: environment, observer: TraceObserver(process: process), health: health)
        pipeline = Pipeline(parts: parts, settings: settings)
        intake = Intake(
            source: subscriber, pipeline: pipeline, health: health, tenants: probe.tenantNames, environment: environment
        )
        keeper = LeaseKeeper(
            store: state, key: World.stateKeys.worker(instance: process.instance), instance: process.instance,
            worker: settings.worker, policy: LeasePolicy(), environment: environment)
        health.listen { change in
            guard process.condition == .running, !world.isOver else { return }
            if case .opened = change { world.seen.add(.pauses) }
            world.note("health", process.number, "\(process.instance)  · health: \(change)")
        }
    }

    var isIdle: Bool { pipeline.inFlight == (0, 0) }

    /// Others must be able to see the process alive before it owns anything; then it takes commands.
    func start() {
        Task { [self] in
            while process.isAlive, !isDraining {
                do throws(StepError) {
                    try await keeper.renew()
                    break
                } catch {
                    do { try await environment.sleep(.seconds(2)) } catch { return }
                }
            }
            guard process.isAlive, !isDraining else { return process.exit() }
            renewing = Task { await keeper.run { _ in } }
            subscriber.connect()
            await intake.run()
        }
    }

    /// SIGTERM: hands back what can be handed back, finishes what is moving within the grace, and ends.
    func drain(grace: Duration, ended: @escaping @Sendable () -> Void) {
        guard !isDraining else { return }
        isDraining = true
        guard let renewing else { return ended() }
        Task { [self] in
            await intake.drain(grace: grace) {}
            subscriber.shutDown()
            renewing.cancel()
            await renewing.value
            let removal = Task { _ = try? await keeper.remove() }
            let bound = Task {
                try await environment.sleep(.seconds(5))
                removal.cancel()
            }
            await removal.value
            bound.cancel()
            ended()
        }
    }

    /// The broker says that it takes no messages.
    func brokerBlocks() {
        process.whenRunning { [health] in
            health.report(.broker, StepError(.surroundings(.broker), "the broker takes no messages"))
        }
    }

    /// Deliveries of a queue that was paused for long have gone back.
    func checkPauses() {
        let now = process.world.clock.now
        guard process.condition == .running else { return patientSince = now }
        for queue in intake.pausedQueues.sorted() {
            guard let paused = subscriber.pausedSince[queue] else { continue }
            let since = max(paused, patientSince)
            guard now - since > 10 * .minute, subscriber.held(of: queue) > 0 else { continue }
            process.world.checks.fail(
                "held-while-paused",
                "\(process.instance) holds deliveries of \(queue), paused for \((now - since).text)s")
        }
    }

    /// The simulation is over: nothing is waited for any more.
    func abandon() {
        process.abandon()
        pipeline.stop(.hard)
        health.stop()
    }

    /// The operator withholds consent, or gives it again.
    /// The operator says that the tenants' refusals are right.
    func vouch() {
        patientSince = process.world.clock.now
        process.whenRunning { [health, process] in
            for tenant in ProbePort(process: process).tenantNames { health.vouch(for: tenant) }
        }
    }

    /// The operator's word; a process that slept hears only what holds when it wakes.
    func pause(_ isPaused: Bool) {
        self.isPaused = isPaused
        process.whenRunning { [self] in
            health.withhold(self.isPaused ? [.consent(tenant: nil): "paused by the operator"] : [:])
        }
    }
}

/// Whether what a worker depends on serves it, as the real probes find out.
struct ProbePort: DependencyProbe {
    let process: Incarnation

    var tenantNames: [String] { process.world.tenants.indices.map(Server.tenantName) }

    func probe(_ dependency: Dependency, because suspicion: Suspicion) async throws(StepError) {
        switch dependency {
        case .objectStore: try await ask(.store, Faults.store)
        case .tenant(let name):
            guard let index = tenantNames.firstIndex(of: name) else { return }
            try await ask(.tenant(index), Faults.tenant(name))
            if case .refusals(let commands, let error) = suspicion { try await askAgain(commands, index, error) }
        case .auditSink(let name):
            // The truest probe of a sink is the very record that it did not take.
            guard case .record(let record, _) = suspicion else { return }
            let sink: any AuditSink = name == FileSink.name ? FileSink(process: process) : BucketSink(process: process)
            try await sink.write(record)
        case .broker: try await ask(.exchange, Faults.exchange)
        case .consent: throw suspicion.error
        }
    }

    /// One of the commands that were refused alike must be served now.
    private func askAgain(
        _ commands: [ExportCommand], _ index: Int, _ error: StepError
    ) async throws(StepError) {
        var last = error
        for command in commands {
            do throws(StepError) {
                let port = TenantPort(process: process, index: index)
                _ = try await port.status(of: command, context: CallContext(commandID: "probe"))
                return
            } catch {
                last = error
            }
        }
        throw last
    }

    private func ask(_ server: Server, _ trouble: @escaping (Trouble) -> StepError) async throws(StepError) {
        try await process.call(server, "probe", "", trouble: trouble) { .success(()) }
    }
}
