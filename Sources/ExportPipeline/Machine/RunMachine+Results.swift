// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension RunMachine {
    /// Folds the result of the current step in and says what to do next.
    package mutating func handle(_ result: RunResult, at moment: Moment) -> RunStep {
        if case .end = step { return step }
        switch result {
        case .waited: resume(at: moment)
        case .interrupted: letGo(at: moment)
        case .failed(let error): return handleFailure(error, at: moment)
        default: return advance(result, at: moment)
        }
        return step
    }

    private mutating func resume(at moment: Moment) {
        if isTimeOut { tally.skipTime(at: moment) }
        isTimeOut = false
    }

    private mutating func advance(_ result: RunResult, at moment: Moment) -> RunStep {
        switch (phase, result) {
        case (.writing(let written, let then), .written):
            checkpoint = written
            phase = written.stage == .decided ? .ended(.decided(written)) : then
            if written.owner == nil { phase = .ended(.released) }
        case (.aborting(let job, _), .aborted):
            if let failure = setup.foregoneFailure { return decide(.failure(failure), at: moment) }
            phase = .polling(job)
        case (.validating, .status(let status)):
            return validated(status, at: moment)
        case (.triggering, .triggered(let job)):
            recordJob(job, at: moment)
        case (.polling(let job), .polled(let status)):
            return polled(status, of: job, at: moment)
        case (.transferring(_, let job), .stored(let artifact)):
            tally.progressed()
            phase = .verifying(artifact, job)
        case (.verifying(let artifact, let job), .verified(let verification)):
            return verified(verification, of: artifact, job: job, at: moment)
        default:
            // A result that does not belong to the step is a mistake of the driver: do the step again.
            break
        }
        return step
    }

    private mutating func validated(_ status: VersionStatus, at moment: Moment) -> RunStep {
        tally.progressed()
        let command = setup.accepted.command
        switch status {
        case .trained:
            phase = .triggering
        case .trainingUnderWay(let name):
            guard tally.mayWaitForTraining(at: moment) else {
                return fail(
                    .modelNotTrained,
                    "\(subject) still has status \(name) after "
                        + "\(setup.policy.trainingWait); send the command again when training has ended", at: moment)
            }
            return wait(tally.nextPollDelay(moment), .training)
        case .notTrained(let name):
            let found = name.map { "has status \($0)" } ?? "has no status"
            return fail(
                .modelNotTrained,
                "\(subject) of tenant \(command.tenant) \(found), not TRAINED; train it and "
                    + "send the command again", at: moment)
        }
        return step
    }

    private mutating func recordJob(_ job: ExportJob, at moment: Moment) {
        tally.progressed()
        tally.startJob(at: moment)
        guard var next = checkpoint else { return }
        next.stage = .triggered
        next.job = job
        next.attempts = 0
        next.jobSeconds = 0
        next.replaces = nil
        next.nonce = moment.uniqueID
        phase = .writing(next, then: .polling(job))
    }

    private mutating func polled(_ status: JobStatus, of job: ExportJob, at moment: Moment) -> RunStep {
        tally.stepSucceeded()
        tally.accountJobTime(at: moment)
        switch status {
        case .underWay:
            tally.progressed()
            guard tally.jobElapsed < setup.policy.jobDeadline else {
                return fail(
                    .jobTimeout,
                    "export job \(job.jobID) was still under way after "
                        + "\(setup.policy.jobDeadline) (job.deadline)", at: moment)
            }
            return wait(tally.nextPollDelay(moment), .polling)
        case .completed(let link?):
            phase = .transferring(link, job)
            return step
        case .completed(nil):
            tally.emptyLinks += 1
            guard tally.emptyLinks <= setup.policy.linkRepeats else {
                return fail(
                    .exportFailed, "export job \(job.jobID) is COMPLETED but names no usable download URL",
                    at: moment)
            }
            return wait(tally.nextPollDelay(moment), .polling)
        case .failed(let message):
            return fail(.exportFailed, "export job \(job.jobID) failed: \(message)", at: moment)
        case .unknown(let name):
            return fail(.unexpectedJobStatus, "export job \(job.jobID) has the unknown status \(name)", at: moment)
        }
    }

    private mutating func verified(
        _ verification: ArtifactVerification, of artifact: StoredArtifact, job: ExportJob, at moment: Moment
    ) -> RunStep {
        switch verification {
        case .matches(let encrypted):
            tally.progressed()
            return decide(.success(artifact, encryptedAtRest: encrypted), at: moment)
        case .missing:
            return restartTransfer(
                job, "\(artifact.location) is missing right after it was stored", thenFailsWith: .storageRefused,
                at: moment)
        case .differs(let what, let version):
            tally.transfers += 1
            guard tally.transfers < setup.policy.transfers else {
                return fail(.storageRefused, "\(artifact.location) did not verify: \(what)", at: moment)
            }
            // On record before it is replaced: the next owner has to know, and one that slept learns that it is none.
            guard var next = checkpoint else { return step }
            next.replaces = version
            next.nonce = moment.uniqueID
            phase = .writing(next, then: .polling(job))
            return step
        }
    }

    /// The subject of most messages: model and version.
    var subject: String {
        "model \(setup.accepted.command.modelID) version \(setup.accepted.command.version)"
    }

    /// Waits and then does the step of the present phase again.
    func wait(_ delay: Duration, _ reason: WaitReason) -> RunStep { .wait(delay, reason) }

    /// Waits without a deadline running, because somebody asked for patience, and then does the step again.
    mutating func pause(_ step: RunStep, at moment: Moment) -> RunStep {
        accountJobTime(at: moment)
        tally.beginTimeOut(at: moment)
        isTimeOut = true
        return step
    }

    /// A multipart upload has begun: the checkpoint that names it, to be written before the first part is sent.
    package func checkpointNamingUpload(_ uploadID: String, key: String, at moment: Moment) -> Checkpoint? {
        guard var next = checkpoint else { return nil }
        next.upload = Checkpoint.Upload(key: key, uploadID: uploadID)
        next.nonce = moment.uniqueID
        return next
    }

    /// The checkpoint naming the upload was written.
    package mutating func uploadNoted(_ written: Checkpoint) { checkpoint = written }
}
