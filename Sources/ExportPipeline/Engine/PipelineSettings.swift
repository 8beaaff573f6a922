// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What the pipeline needs to know that does not change while it runs.
package struct PipelineSettings: Sendable {
    /// Unique for every start of every worker; checkpoints name their owner by it.
    package var instance: String
    /// The worker as `host/pid`, for audit records.
    package var worker: String
    package var actor: String
    package var eventSource: String
    /// Prefix of the audit records in the bucket; nil where the bucket is no audit sink.
    package var auditPrefix: String?
    package var keyTemplate: ObjectKeyTemplate
    package var stateKeys: StateKeys
    package var commandLimits: CommandLimits
    /// Commands whose delivery count comes within `deliveryMargin` of this fail for good; the broker would drop them.
    package var deliveryLimit: Int
    package var deliveryMargin = 10
    /// How long a delivery is kept before it goes back while its run goes on; nil for as long as it takes.
    package var deliveryLease: Duration?
    /// The most calls to one dependency that are begun at once, and the most transfers.
    package var callsAtOnce = 64
    @Boxed package var run: RunPolicy
    package var lease: LeasePolicy

    package init(
        instance: String, worker: String, actor: String, eventSource: String, auditPrefix: String?,
        keyTemplate: ObjectKeyTemplate, stateKeys: StateKeys, commandLimits: CommandLimits, deliveryLimit: Int,
        run: RunPolicy, lease: LeasePolicy
    ) {
        self.instance = instance
        self.worker = worker
        self.actor = actor
        self.eventSource = eventSource
        self.auditPrefix = auditPrefix
        self.keyTemplate = keyTemplate
        self.stateKeys = stateKeys
        self.commandLimits = commandLimits
        self.deliveryLimit = deliveryLimit
        _run = Boxed(wrappedValue: run)
        self.lease = lease
    }
}

/// Everything outside that the pipeline talks to.
package struct PipelineParts: Sendable {
    package var exporters: any ExporterDirectory
    package var artifacts: any ArtifactStore
    package var state: any StateStore
    /// In the order they are written; the bucket first, as it is the record of truth.
    package var sinks: [any AuditSink]
    package var events: any EventPublisher
    package var environment: any PipelineEnvironment
    package var observer: any PipelineObserver
    package var health: DependencyHealth

    package init(
        exporters: any ExporterDirectory, artifacts: any ArtifactStore, state: any StateStore,
        sinks: [any AuditSink], events: any EventPublisher, environment: any PipelineEnvironment,
        observer: any PipelineObserver, health: DependencyHealth
    ) {
        self.exporters = exporters
        self.artifacts = artifacts
        self.state = state
        self.sinks = sinks
        self.events = events
        self.environment = environment
        self.observer = observer
        self.health = health
    }
}

/// What all deliveries and runs of one pipeline share, by reference.
final class PipelineCore: Sendable {
    let parts: PipelineParts
    let settings: PipelineSettings
    let registry = RunRegistry()
    let owners: OwnerWatch
    let gate: CallGate

    init(parts: PipelineParts, settings: PipelineSettings) {
        self.parts = parts
        self.settings = settings
        gate = CallGate(limit: settings.callsAtOnce)
        let keys = settings.stateKeys
        owners = OwnerWatch(
            store: parts.state, policy: settings.lease, environment: parts.environment,
            key: { keys.worker(instance: $0) })
    }
}
