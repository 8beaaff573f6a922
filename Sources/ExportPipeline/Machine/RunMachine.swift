// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One run of a command as a pure state machine: a result in, the next step out; no I/O, no clock, no chance.
///
/// ```
/// start ─► validate ─► trigger ─► record job ─► poll ─► transfer ─► verify ─► decide ─► end
///   │  ▲                                        ▲ │ ▲      │          │
///   │  └── new run (job or artifact gone) ──────┼─┘ └──────┴─ fresh link (what did not verify is replaced)
///   └── take-over: abort left-over uploads ─────┘
/// ```
/// Every arrow that another worker must not repeat is a conditional write (`start`, `record job`, `decide`, `new run`,
/// `release`); a write that finds another owner ends the run here as `overtaken`.
package struct RunMachine: Sendable {
    /// What the run is about and who runs it.
    package struct Setup: Sendable {
        package let accepted: AcceptedCommand
        /// This worker instance, as checkpoints name it.
        package let owner: String
        /// This worker as `host/pid`.
        package let worker: String
        package let actor: String
        @Boxed package private(set) var policy: RunPolicy
        /// Prefix of the bucket's audit records; nil where there is no bucket sink.
        package let auditPrefix: String?
        /// A failure that is certain before anything is tried (unknown tenant, deliveries exhausted).
        package let foregoneFailure: Failure?

        package init(
            accepted: AcceptedCommand, owner: String, worker: String, actor: String, @Boxed policy: RunPolicy,
            auditPrefix: String?, foregoneFailure: Failure? = nil
        ) {
            self.accepted = accepted
            self.owner = owner
            self.worker = worker
            self.actor = actor
            self._policy = $policy
            self.auditPrefix = auditPrefix
            self.foregoneFailure = foregoneFailure
        }
    }

    indirect enum Phase: Sendable, Hashable {
        /// A checkpoint is on its way; once written, the run goes on in the phase named.
        case writing(Checkpoint, then: Phase)
        case aborting(ExportJob, Checkpoint.Upload?)
        case validating
        case triggering
        case polling(ExportJob)
        case transferring(DownloadLink, ExportJob)
        case verifying(StoredArtifact, ExportJob)
        case ended(RunEnd)
    }

    @Boxed private(set) var setup: Setup
    var phase: Phase
    /// The checkpoint as it was last written; nil before the claim.
    @Boxed package internal(set) var checkpoint: Checkpoint?
    var tally: RunTally
    /// The version of this run's object that the next transfer replaces.
    package var replacing: String? { checkpoint?.replaces }
    /// Whether the time until the step of `phase` counts for nothing: somebody asked for patience.
    var isTimeOut = false

    package init(setup: Setup, start: RunStart, at moment: Moment) {
        self.setup = setup
        checkpoint = start.base
        tally = RunTally($policy: setup.$policy, moment: moment)
        phase = .validating
        let first = Self.firstCheckpoint(setup: setup, start: start, at: moment)
        tally.attempts = first.attempts
        tally.jobElapsed = .seconds(first.jobSeconds)
        phase = .writing(first, then: .validating)
        if case .takeOver(let found) = start, let job = found.job {
            phase = .writing(first, then: .aborting(job, found.upload))
        } else if let failure = setup.foregoneFailure {
            let outcome = outcome(of: .failure(failure), from: first, at: moment)
            phase = .writing(first, then: .writing(decided(first, outcome, at: moment), then: .ended(.released)))
        }
    }

    /// What has to be done now.
    package var step: RunStep {
        switch phase {
        case .writing(let checkpoint, _): .write(checkpoint)
        case .aborting(let job, let upload): .abortUploads(job, recorded: upload)
        case .validating: .checkStatus
        case .triggering: .trigger(runID: checkpoint?.runID ?? "")
        case .polling(let job): .poll(job)
        case .transferring(let link, let job): .transfer(link, job)
        case .verifying(let artifact, _): .verify(artifact)
        case .ended(let end): .end(end)
        }
    }

    /// The stage of the published vocabulary that the run is in.
    package var stage: Stage {
        switch phase {
        case .writing(let next, let then):
            next.stage == .triggered ? .poll : RunMachine.stage(of: then, decided: next.stage == .decided)
        default: RunMachine.stage(of: phase, decided: false)
        }
    }

    private static func stage(of phase: Phase, decided: Bool) -> Stage {
        switch phase {
        case .validating: .validate
        case .triggering: .trigger
        case .polling: .poll
        case .transferring, .aborting: .transfer
        case .verifying: .verify
        case .writing(_, let then): stage(of: then, decided: decided)
        case .ended: decided ? .verify : .receive
        }
    }

    /// The first write of a run: its claim, its take-over, or the claim of a new run after a decided one.
    private static func firstCheckpoint(setup: Setup, start: RunStart, at moment: Moment) -> Checkpoint {
        let command = setup.accepted.command
        switch start {
        case .takeOver(var found):
            found.epoch += 1
            found.owner = setup.owner
            found.nonce = moment.uniqueID
            found.messageToken = setup.accepted.messageToken
            // Its upload stays on record until another takes its place: this owner may die before it aborted it.
            return found
        case .claim, .newRun:
            return Checkpoint(
                commandID: command.commandID, tenant: command.tenant, fingerprint: setup.accepted.fingerprint,
                runID: moment.uniqueID, epoch: (start.base?.epoch ?? 0) + 1, owner: setup.owner,
                nonce: moment.uniqueID, messageToken: setup.accepted.messageToken, claimedAt: moment.date)
        }
    }
}
