// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension RunMachine {
    /// What a run comes to.
    enum Verdict: Sendable, Hashable {
        case success(StoredArtifact, encryptedAtRest: Bool)
        case failure(Failure)
    }

    /// Fails the command for good, in the stage the run is in.
    mutating func fail(
        _ code: FailureCode, _ message: String, httpStatus: Int? = nil, at moment: Moment
    ) -> RunStep {
        decide(.failure(Failure(code: code, stage: stage, message: message, httpStatus: httpStatus)), at: moment)
    }

    /// Freezes the outcome; it counts once the write that carries it has won.
    mutating func decide(_ verdict: Verdict, at moment: Moment) -> RunStep {
        guard let current = checkpoint else { return step }
        let outcome = outcome(of: verdict, from: current, at: moment)
        phase = .writing(decided(current, outcome, at: moment), then: .ended(.released))
        return step
    }

    /// The checkpoint that decides `current` with `outcome`.
    func decided(_ current: Checkpoint, _ outcome: Outcome, at moment: Moment) -> Checkpoint {
        var next = current
        next.stage = .decided
        next.outcome = outcome
        next.upload = nil
        next.replaces = nil
        next.attempts = tally.attempts
        // The claim of a foregone failure is written in the same moment: its nonce must differ from this one.
        next.nonce = moment.uniqueID + "-decided"
        return next
    }

    func outcome(of verdict: Verdict, from current: Checkpoint, at moment: Moment) -> Outcome {
        let command = setup.accepted.command
        let context = setup.accepted.context
        // A job exists only after the API answered the checks of this run for exactly this model and version.
        let wasValidated = current.job != nil || phase == .triggering
        var outcome = Outcome(
            runID: current.runID, timestamp: moment.date,
            durationSeconds: moment.date.seconds(since: current.claimedAt), commandID: command.commandID,
            tenant: command.tenant, modelID: command.modelID, version: command.version, format: command.format,
            correlationID: context.correlationID, traceparent: context.traceparent, jobID: current.job?.jobID,
            exportID: current.job?.exportID, scopeValidated: wasValidated, versionConstrained: wasValidated,
            worker: setup.worker, actor: setup.actor)
        switch verdict {
        case .success(let artifact, let encryptedAtRest):
            outcome.artifact = artifact
            outcome.encryptedAtRest = encryptedAtRest
        case .failure(let failure):
            outcome.failure = failure
            // The API's refusal for want of a permission disproves the scope, whatever was answered before.
            let isRefused = failure.httpStatus == 403 && [.validate, .trigger, .poll].contains(failure.stage)
            if isRefused { outcome.scopeValidated = false }
        }
        outcome.auditKey = setup.auditPrefix.map {
            AuditRecord.key(runID: outcome.runID, timestamp: outcome.timestamp, prefix: $0)
        }
        return outcome
    }

    /// The worker lets go: release what is owned so that whoever comes next need not wait for the lease to expire.
    ///
    /// A write is always begun, so an interruption in the middle of one means that the store did not take it: whoever
    /// comes next finds job and object again.
    mutating func letGo(at moment: Moment) {
        if case .writing = phase { _ = abandon() } else { _ = release(at: moment) }
    }

    mutating func release(at moment: Moment) -> RunStep {
        guard var next = checkpoint, next.owner == setup.owner else { return abandon() }
        next.owner = nil
        next.attempts = tally.attempts
        next.jobSeconds = Double(tally.jobElapsed.components.seconds)
        next.nonce = moment.uniqueID
        phase = .writing(next, then: .ended(.released))
        return step
    }

    /// Ends the run here without a word in the store; its lease runs out.
    mutating func abandon() -> RunStep {
        phase = .ended(.released)
        return step
    }
}
