// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Cognigy
internal import ExportPipeline
internal import HTTPTransport
internal import Logging
internal import ObjectStore

/// Why the parts of a worker could not be put together: the configuration names something that cannot be used.
struct AssemblyError: Error, CustomStringConvertible {
    let description: String
}

/// Everything outside the broker that a worker is made of, put together from the settings; makes no call by itself.
struct WorkerParts: Sendable {
    let settings: Settings
    let identity: WorkerIdentity
    let environment: any PipelineEnvironment
    let http: HTTPClient
    let store: S3Client
    let faults: StoreFaults
    let state: S3StateStore
    let tenants: TenantDirectory
    let artifacts: any ArtifactStore
    let keys: StateKeys
    let keyTemplate: ObjectKeyTemplate
    let logger: Logger

    init(
        settings: Settings, logger: Logger, environmentVariables: [String: String],
        environment: any PipelineEnvironment = SystemEnvironment()
    ) throws(AssemblyError) {
        self.settings = settings
        self.environment = environment
        self.logger = logger
        identity = WorkerIdentity.current(environment: environment)
        http = HTTPClient(
            configuration: HTTPClientConfiguration(userAgent: "nlu-export-worker/\(WorkerVersion.text)"), logger: logger
        )
        do {
            store = S3Client(
                configuration: try S3Configuration(settings.s3, stallTimeout: settings.transfer.stallTimeout),
                credentials: CredentialsChain.standard(
                    environment: environmentVariables, region: settings.s3.region, transport: http),
                transport: http,
                logger: logger)
            keys = StateKeys(prefix: settings.s3.statePrefix)
            faults = StoreFaults(client: store, probeKey: keys.probe(instance: identity.instance))
            state = S3StateStore(client: store, faults: faults, isConditional: settings.s3.conditionalWrites)
            tenants = try TenantDirectory(settings: settings, transport: http, logger: logger)
            keyTemplate = try ObjectKeyTemplate(
                settings.s3.keyTemplate, tenantCount: settings.tenants.count,
                reservedPrefixes: [settings.s3.statePrefix] + (settings.audit.prefix.map { [$0] } ?? []))
            artifacts = try S3ArtifactStore(
                client: store, faults: faults, tenants: tenants, settings: settings, environment: environment,
                logger: logger)
        } catch {
            throw AssemblyError(description: "\(error)")
        }
    }

    /// The sinks of the configuration, the record of truth first.
    var sinks: [any AuditSink] {
        var sinks: [any AuditSink] = []
        if settings.audit.prefix != nil {
            sinks.append(
                S3AuditSink(
                    client: store, faults: faults, isConditional: settings.s3.conditionalWrites,
                    retention: settings.audit.retention, environment: environment))
        }
        if let path = settings.audit.file { sinks.append(FileAuditSink(path: path)) }
        return sinks
    }

    /// The pipeline over these parts, and the health of what it depends on.
    ///
    /// - Parameter publisher: the connection behind `events`; nil where they go nowhere.
    func pipeline(
        events: any EventPublisher, publisher: AMQPPublisher?, observer: any PipelineObserver
    ) -> (pipeline: Pipeline, health: DependencyHealth) {
        let sinks = sinks
        let health = DependencyHealth(
            policy: HealthPolicy(settings),
            probe: WorkerProbe(faults: faults, tenants: tenants, sinks: sinks, publisher: publisher),
            environment: environment)
        health.listen { [logger] in logger.note($0) }
        let parts = PipelineParts(
            exporters: tenants, artifacts: artifacts, state: state, sinks: sinks, events: events,
            environment: environment, observer: observer, health: health)
        var pipelineSettings = pipelineSettings
        // Without a broker nobody wants the delivery back.
        if publisher == nil { pipelineSettings.deliveryLease = nil }
        return (Pipeline(parts: parts, settings: pipelineSettings), health)
    }

    var pipelineSettings: PipelineSettings {
        var pipeline = PipelineSettings(
            instance: identity.instance, worker: identity.worker, actor: settings.audit.actor,
            eventSource: settings.events.source, auditPrefix: settings.audit.prefix, keyTemplate: keyTemplate,
            stateKeys: keys, commandLimits: CommandLimits(maximumBytes: settings.amqp.maxCommandBytes),
            deliveryLimit: settings.amqp.deliveryLimit, run: RunPolicy(settings), lease: LeasePolicy(settings.lease))
        pipeline.deliveryLease = max(.seconds(1), settings.amqp.consumerTimeout - .seconds(120))
        // Nobody who was let in to transfer is kept from it.
        pipeline.callsAtOnce = max(pipeline.callsAtOnce, settings.transfer.concurrency)
        return pipeline
    }

    /// The lease of this process.
    func leaseKeeper() -> LeaseKeeper {
        LeaseKeeper(
            store: state, key: keys.worker(instance: identity.instance), instance: identity.instance,
            worker: identity.worker, policy: LeasePolicy(settings.lease), environment: environment)
    }
}

extension S3Configuration {
    init(_ settings: Settings.S3, stallTimeout: Duration) throws(S3Error) {
        let addressing: Addressing? =
            switch settings.addressing {
            case .auto: nil
            case .path: .path
            case .virtual: .virtual
            }
        let encryption: Encryption =
            switch settings.encryption {
            case .aes256: .aes256
            case .kms: .kms(keyID: settings.kmsKeyID, bucketKey: settings.bucketKey)
            case .none: .none
            }
        try self.init(
            bucket: settings.bucket, region: settings.region, endpoint: settings.endpoint, addressing: addressing,
            encryption: encryption, trust: TLSTrust(caFile: settings.caFile), stallTimeout: stallTimeout)
    }
}

extension RunPolicy {
    init(_ settings: Settings) {
        self.init()
        pollInitial = settings.job.pollInitial
        pollMax = settings.job.pollMax
        jobDeadline = settings.job.deadline
        trainingWait = settings.trainingWait
        retryInitial = settings.retry.initial
        retryMax = settings.retry.max
        holdFor = settings.retry.holdFor
        maxAttempts = settings.retry.maxAttempts
        maxRuns = settings.retry.maxRuns
        triggerRepeats = settings.retry.triggerRepeats
        triggerDelay = settings.retry.triggerDelay
        transfers = settings.retry.transfers
    }
}

extension HealthPolicy {
    init(_ settings: Settings) {
        self.init()
        suspectAfter = settings.suspectAfter
        probeInitial = settings.retry.initial
        probeMax = max(settings.retry.initial, min(settings.retry.max, .seconds(30)))
    }
}

extension LeasePolicy {
    init(_ settings: Settings.Lease) {
        self.init()
        renew = settings.renew
        expiry = settings.expiry
    }
}
