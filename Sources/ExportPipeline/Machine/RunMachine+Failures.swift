// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension RunMachine {
    /// What follows from a step that did not succeed: the failure policy for everything that concerns one command.
    mutating func handleFailure(_ error: StepError, at moment: Moment) -> RunStep {
        switch error.kind {
        case .permanent(let code):
            return fail(code, error.message, httpStatus: error.httpStatus, at: moment)
        case .transient(let limit, let code):
            return retry(error, limit: limit, thenFailsWith: code, at: moment)
        case .throttled(let retryAfter):
            return pause(.wait(tally.throttleDelay(retryAfter, moment), .throttled), at: moment)
        case .ambiguous:
            return repeatTrigger(error, at: moment)
        case .gone:
            return beginNewRun(error, at: moment)
        case .linkExpired(let notFound):
            return refreshLink(error, notFound: notFound, at: moment)
        case .unreadable:
            return restartTransfer(
                currentJob, error.message, thenFailsWith: .artifactUnreadable, httpStatus: error.httpStatus, at: moment)
        case .surroundings(let dependency):
            tally.forgive()
            // A link may serve only once, and not for ever.
            if case .transferring(_, let job) = phase { phase = .polling(job) }
            return pause(.hold(dependency), at: moment)
        case .overtaken:
            phase = .ended(.overtaken)
            return step
        case .interrupted:
            letGo(at: moment)
            return step
        }
    }

    private mutating func retry(
        _ error: StepError, limit: Int?, thenFailsWith code: FailureCode, at moment: Moment
    ) -> RunStep {
        accountJobTime(at: moment)
        // A write that is not known to have happened is repeated for ever: giving up on it would decide without it, or
        // leave a run that this worker owns and nobody carries out.
        if case .writing = phase { return wait(tally.nextRetryDelay(moment), .retry) }
        tally.attempts += 1
        tally.repeats += 1
        if let limit, tally.repeats > limit {
            return fail(code, error.message, httpStatus: error.httpStatus, at: moment)
        }
        if tally.attempts >= setup.policy.maxAttempts {
            let why = "\(error.message) (given up after \(tally.attempts) attempts, retry.maxAttempts)"
            return fail(code, why, httpStatus: error.httpStatus, at: moment)
        }
        if tally.holdIsUsedUp(at: moment) { return release(at: moment) }
        // A link may serve only once: every transfer that is tried again begins with a fresh one.
        if case .transferring(_, let job) = phase { phase = .polling(job) }
        return wait(tally.nextRetryDelay(moment), .retry)
    }

    private mutating func repeatTrigger(_ error: StepError, at moment: Moment) -> RunStep {
        tally.triggerRepeats += 1
        guard tally.triggerRepeats <= setup.policy.triggerRepeats else {
            return fail(
                .exportRefused, "\(error.message) (the trigger was repeated \(setup.policy.triggerRepeats) times)",
                httpStatus: error.httpStatus, at: moment)
        }
        return wait(setup.policy.triggerDelay, .retry)
    }

    /// The job or its artifact is gone: another run of the same command, as long as there may be one.
    private mutating func beginNewRun(_ error: StepError, at moment: Moment) -> RunStep {
        guard var next = checkpoint else { return step }
        guard next.runs < setup.policy.maxRuns else {
            return fail(
                .exportLost, "\(error.message) (after \(next.runs) runs, retry.maxRuns)", httpStatus: error.httpStatus,
                at: moment)
        }
        next.runID = moment.uniqueID
        next.nonce = moment.uniqueID
        next.epoch += 1
        next.runs += 1
        next.stage = .claimed
        next.job = nil
        next.jobSeconds = 0
        next.attempts = 0
        next.upload = nil
        next.replaces = nil
        next.claimedAt = moment.date
        tally.startJob(at: moment)
        phase = .writing(next, then: .validating)
        return step
    }

    private mutating func refreshLink(_ error: StepError, notFound: Bool, at moment: Moment) -> RunStep {
        guard let job = currentJob else { return step }
        guard notFound else {
            return restartTransfer(
                job, error.message, thenFailsWith: .artifactUnreadable, httpStatus: error.httpStatus, at: moment)
        }
        tally.linkMisses += 1
        guard tally.linkMisses < 2 else { return beginNewRun(error, at: moment) }
        phase = .polling(job)
        return wait(tally.nextRetryDelay(moment), .retry)
    }

    /// Starts the transfer over with a fresh link, as long as it may be.
    mutating func restartTransfer(
        _ job: ExportJob?, _ why: String, thenFailsWith code: FailureCode, httpStatus: Int? = nil, at moment: Moment
    ) -> RunStep {
        accountJobTime(at: moment)
        tally.transfers += 1
        guard let job, tally.transfers < setup.policy.transfers else {
            return fail(code, "\(why) (after \(tally.transfers) transfers)", httpStatus: httpStatus, at: moment)
        }
        phase = .polling(job)
        return wait(tally.nextRetryDelay(moment), .retry)
    }

    /// The job the run is working on, if it has one.
    var currentJob: ExportJob? { checkpoint?.job }

    mutating func accountJobTime(at moment: Moment) {
        if case .polling = phase { tally.accountJobTime(at: moment) }
    }

    /// Whether this error, which is not the command's fault by itself, would be the one too many.
    package func givesUp(on error: StepError, at moment: Moment) -> Bool {
        if case .permanent = error.kind { return false }
        var future = self
        guard case .write(let checkpoint) = future.handleFailure(error, at: moment) else { return false }
        return checkpoint.outcome?.failure != nil
    }

    /// Whether another error like this one would be the one too many.
    package func wouldGiveUp(afterAnother error: StepError, at moment: Moment) -> Bool {
        var future = self
        guard case .wait = future.handleFailure(error, at: moment) else { return false }
        return future.givesUp(on: error, at: moment)
    }
}
