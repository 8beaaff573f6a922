// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Whose run a checkpoint describes, as far as this process can tell.
package enum OwnerState: Sendable, Hashable {
    /// This process owns it, and the run is going on.
    case runningHere
    /// This process owns it by the record, but no such run is going on (it was let go without a word).
    case leftHere
    case alive
    case dead
    case released
}

/// What a look at the state store showed about a command.
package indirect enum CheckpointView: Sendable, Hashable {
    case missing
    case found(Checkpoint, OwnerState)
    /// Written by a newer worker, or damaged: holds the command and is never permanent.
    case unreadable(String)
}

/// The one thing the holder of a delivery has to do next.
package indirect enum DeliveryStep: Sendable, Hashable {
    case look
    /// Start this run, or share the one of this process that is already going on.
    case run(RunStart)
    /// Look again later: somebody else has the run, or something did not work.
    case wait(Duration, DeliveryWait)
    /// Wait until the dependency serves again.
    case hold(Dependency)
    case verify(StoredArtifact)
    /// Record a message that never becomes a run; the outcome already recorded for it wins.
    case recordRefusal(Outcome)
    case audit(Outcome)
    case announce(Outcome)
    case settle(Settlement)
    case done
}

/// Why the holder of a delivery waits.
package enum DeliveryWait: String, Sendable, Hashable {
    case watching, unreadable, retry
}

/// What came of a step.
package indirect enum DeliveryResult: Sendable, Hashable {
    case looked(CheckpointView)
    case runEnded(RunEnd)
    case waited
    case verified(ArtifactVerification)
    case recorded(Outcome)
    case audited
    case announced
    case settled
    case failed(StepError)
    /// The worker lets go of the delivery.
    case interrupted
}

/// One delivery as a pure state machine: what the holder of a message does until it is settled.
///
/// A delivery and a run are two things. The run decides what becomes of the command; the holder of a delivery settles it
/// from what was decided, whoever ran it: `decided ─► audited ─► announced ─► settled`, each step idempotent.
package struct DeliveryMachine: Sendable {
    indirect enum Phase: Sendable, Hashable {
        case looking
        case running(RunStart)
        /// Decided as a success some time ago: is the object still there?
        case checking(Checkpoint, StoredArtifact)
        case refusing(Outcome)
        case auditing(Outcome)
        case announcing(Outcome)
        case settling(Settlement)
        case done
    }

    /// What the delivery is about: a command, or a message that is none (with the outcome that says so).
    package indirect enum Subject: Sendable, Hashable {
        case command(AcceptedCommand, isRedelivered: Bool)
        case refusal(Outcome)
    }

    let subject: Subject
    @Boxed private(set) var policy: RunPolicy
    private(set) var phase: Phase
    private var retries: Backoff
    private var watches: Backoff
    private var heldSince: Duration?
    /// Makes the outcome that stands for a command id used twice.
    let conflictOutcome: @Sendable (AcceptedCommand, Moment) -> Outcome

    package init(
        subject: Subject, @Boxed policy: RunPolicy,
        conflictOutcome: @escaping @Sendable (AcceptedCommand, Moment) -> Outcome
    ) {
        self.subject = subject
        self._policy = $policy
        self.conflictOutcome = conflictOutcome
        retries = Backoff(initial: policy.retryInitial, maximum: policy.retryMax)
        watches = Backoff(initial: policy.watchInitial, maximum: policy.watchMax)
        switch subject {
        // Hardly ever is anything recorded about what the broker delivers for the first time; its claim would see it.
        case .command(_, let isRedelivered): phase = isRedelivered ? .looking : .running(.claim)
        case .refusal(let outcome): phase = .refusing(outcome)
        }
    }

    /// What has to be done now.
    package var step: DeliveryStep {
        switch phase {
        case .looking: .look
        case .running(let start): .run(start)
        case .checking(_, let artifact): .verify(artifact)
        case .refusing(let outcome): .recordRefusal(outcome)
        case .auditing(let outcome): .audit(outcome)
        case .announcing(let outcome): .announce(outcome)
        case .settling(let settlement): .settle(settlement)
        case .done: .done
        }
    }

    /// Folds the result of the current step in and says what to do next.
    package mutating func handle(_ result: DeliveryResult, at moment: Moment) -> DeliveryStep {
        switch (phase, result) {
        case (.done, _): break
        case (.settling, _): phase = .done
        case (_, .interrupted): phase = .settling(.requeue)
        case (_, .failed(let error)): return retry(error, at: moment)
        case (.looking, .looked(let view)): return looked(view, at: moment)
        case (.running, .runEnded(let end)): runEnded(end)
        case (.checking(let checkpoint, _), .verified(let verification)): checked(verification, checkpoint)
        case (.refusing, .recorded(let outcome)), (.running, .recorded(let outcome)): enter(.auditing(outcome))
        case (.auditing(let outcome), .audited): enter(.announcing(outcome))
        case (.announcing(let outcome), .announced):
            enter(.settling(outcome.isSuccess ? .acknowledge : .reject))
        default: break
        }
        return step
    }

    private mutating func enter(_ next: Phase) {
        phase = next
        heldSince = nil
        retries.reset()
    }

    private mutating func runEnded(_ end: RunEnd) {
        switch end {
        case .decided(let checkpoint):
            if let outcome = checkpoint.outcome { enter(.auditing(outcome)) } else { enter(.looking) }
        case .overtaken: enter(.looking)
        case .released: enter(.settling(.requeue))
        }
    }

    private mutating func checked(_ verification: ArtifactVerification, _ checkpoint: Checkpoint) {
        switch verification {
        case .matches:
            if let outcome = checkpoint.outcome { enter(.auditing(outcome)) }
        case .missing, .differs:
            enter(.running(.newRun(checkpoint)))
        }
    }

    /// Nothing that fails here is ever a reason to settle: it is tried again, and after `holdFor` handed back.
    private mutating func retry(_ error: StepError, at moment: Moment) -> DeliveryStep {
        if case .surroundings(let dependency) = error.kind {
            // What is known about the run may have changed when the wait is over.
            if case .running = phase { enter(.looking) }
            heldSince = nil
            return .hold(dependency)
        }
        let since = heldSince ?? moment.now
        heldSince = since
        if error.kind == .interrupted || moment.now - since >= policy.holdFor {
            phase = .settling(.requeue)
            return step
        }
        if case .throttled(let after?) = error.kind { return .wait(min(after, policy.retryAfterCap), .retry) }
        return .wait(retries.next(jitter: moment.jitter), .retry)
    }

    // MARK: The ownership table

    private mutating func looked(_ view: CheckpointView, at moment: Moment) -> DeliveryStep {
        guard case .command(let accepted, let isRedelivered) = subject else { return step }
        heldSince = nil
        switch view {
        case .missing:
            enter(.running(.claim))
        case .unreadable:
            return .wait(policy.watchMax, .unreadable)
        case .found(let checkpoint, _) where checkpoint.fingerprint != accepted.fingerprint:
            enter(.refusing(conflictOutcome(accepted, moment)))
        case .found(let checkpoint, _) where checkpoint.stage == .decided:
            decided(checkpoint, accepted, isRedelivered: isRedelivered)
        case .found(let checkpoint, .runningHere), .found(let checkpoint, .leftHere),
            .found(let checkpoint, .dead), .found(let checkpoint, .released):
            enter(.running(.takeOver(checkpoint)))
        case .found(_, .alive):
            return .wait(watches.next(jitter: moment.jitter), .watching)
        }
        return step
    }

    private mutating func decided(_ checkpoint: Checkpoint, _ accepted: AcceptedCommand, isRedelivered: Bool) {
        guard let outcome = checkpoint.outcome else { return }
        // A message without any name is known by its content: a fresh one asks for another run of the same thing.
        if accepted.identity == .fingerprint, !isRedelivered {
            enter(.running(.newRun(checkpoint)))
        } else if let artifact = outcome.artifact {
            enter(.checking(checkpoint, artifact))
        } else if checkpoint.messageToken == accepted.messageToken {
            enter(.auditing(outcome))
        } else {
            enter(.running(.newRun(checkpoint)))
        }
    }
}
