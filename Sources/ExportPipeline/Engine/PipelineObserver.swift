// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Something that happened on the way of a command, for logs, metrics and progress displays.
package enum PipelineEvent: Sendable {
    case refused(Outcome)
    case accepted(AcceptedCommand, isRedelivered: Bool)
    /// A run of this process wrote its first checkpoint.
    case runStarted(Checkpoint, takenOverFrom: String?)
    case stageBegan(Stage)
    case jobTriggered(ExportJob)
    case progressed(percent: Double?, bytes: Int?, total: Int?)
    case waiting(Duration, reason: String, because: StepError?)
    /// The command waits for a dependency that is out of order.
    case held(Dependency, because: StepError?)
    case uploadStarted(key: String)
    case stored(StoredArtifact)
    case runEnded(RunEnd)
    case verifiedAgain(StoredArtifact, ArtifactVerification)
    case unreadableState(String)
    case audited(AuditRecord, sink: String)
    case announced(ExportEvent, EventRouting)
    case settled(Settlement, reached: Bool)
}

/// Told of everything that happens; must return at once.
package protocol PipelineObserver: Sendable {
    func note(_ event: PipelineEvent, of subject: PipelineSubject)
}

/// What an event is about.
package struct PipelineSubject: Sendable, Hashable {
    package let commandID: String?
    package let tenant: String?
    package let modelID: String?
    package let version: String?
    package let format: String?
    package let runID: String?

    package init(
        commandID: String?, tenant: String?, modelID: String?, version: String?, format: String?, runID: String?
    ) {
        self.commandID = commandID
        self.tenant = tenant
        self.modelID = modelID
        self.version = version
        self.format = format
        self.runID = runID
    }

    package init(_ command: ExportCommand, runID: String? = nil) {
        self.init(
            commandID: command.commandID, tenant: command.tenant, modelID: command.modelID, version: command.version,
            format: command.format, runID: runID)
    }

    package init(_ outcome: Outcome) {
        self.init(
            commandID: outcome.commandID, tenant: outcome.tenant, modelID: outcome.modelID, version: outcome.version,
            format: outcome.format, runID: outcome.runID)
    }
}
