// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Carries out the steps of one run: asks the machine, does it, tells the machine.
struct RunDriver: Sendable {
    let parts: PipelineParts
    let settings: PipelineSettings
    let setup: RunMachine.Setup
    let run: ActiveRun
    let writer: CheckpointWriter

    private var command: ExportCommand { setup.accepted.command }
    private var context: CallContext { setup.accepted.context }

    private var control: StopControl { run.control }

    func carryOut(_ start: RunStart) async -> RunEnd {
        let environment = parts.environment
        var machine = RunMachine(setup: setup, start: start, at: environment.moment())
        var step = machine.step
        var stage: Stage?
        var isStarted = false
        while true {
            if case .end(let end) = step {
                note(.runEnded(end), machine)
                return end
            }
            if isStarted, machine.stage != stage {
                stage = machine.stage
                note(.stageBegan(machine.stage), machine)
            }
            let asked = environment.now()
            let result = await examined(await perform(step, &machine), of: step, machine)
            if !isStarted, case .written = result, case .write(let first) = step {
                isStarted = true
                let previous = start.base?.owner
                note(.runStarted(first, takenOverFrom: previous == settings.instance ? nil : previous), machine)
            }
            step = machine.handle(result, at: moment(of: result, asked: asked))
            tell(result, next: step, machine)
        }
    }

    /// The moment for which a result holds: "still under way" is as old as the question, and no deadline runs out on it
    /// because the process slept since.
    private func moment(of result: RunResult, asked: Duration) -> Moment {
        let moment = parts.environment.moment()
        switch result {
        case .status(.trainingUnderWay), .polled(.underWay):
            return Moment(now: asked, date: moment.date, jitter: moment.jitter, uniqueID: moment.uniqueID)
        default: return moment
        }
    }

    /// Does one step, or declines to begin it once the worker lets go.
    private func perform(_ step: RunStep, _ machine: inout RunMachine) async -> RunResult {
        let level = control.level
        guard level < .soft || step.isBegunWhileDraining else { return .interrupted }
        let before = machine
        if case .write = step {
            // A conditional write is never cut short: its answer decides who owns the run.
            return await uncut { await attempt(step, before, noteUpload: { _ in }) }
        }
        let noted = NotedUpload()
        let result = await control.run(cutShortAt: step.cutShortAt) {
            await attempt(step, before, noteUpload: { noted.set($0) })
        }
        if let checkpoint = noted.value { machine.uploadNoted(checkpoint) }
        return result
    }

    private func attempt(
        _ step: RunStep, _ machine: RunMachine, noteUpload: @escaping @Sendable (Checkpoint) -> Void
    ) async -> RunResult {
        do throws(StepError) {
            let result = try await carryOut(step, machine, noteUpload: noteUpload)
            noteSuccess(of: step)
            return result
        } catch {
            return error.kind == .interrupted ? .interrupted : .failed(error)
        }
    }

    private func carryOut(
        _ step: RunStep, _ machine: RunMachine, noteUpload: @escaping @Sendable (Checkpoint) -> Void
    ) async throws(StepError) -> RunResult {
        switch step {
        case .write(let checkpoint):
            try await writer.write(checkpoint)
            return .written
        case .abortUploads(let job, let recorded):
            let key = try settings.keyTemplate.key(for: command, exportID: job.exportID)
            try await parts.artifacts.abortUploads(of: key, recorded: recorded)
            return .aborted
        case .checkStatus:
            return .status(try await exporter().status(of: command, context: context))
        case .trigger(let runID):
            return .triggered(try await exporter().trigger(command, runID: runID, context: context))
        case .poll(let job):
            return .polled(try await exporter().poll(job, of: command, context: context))
        case .transfer(let link, let job):
            return .stored(try await transfer(link, job, machine, noteUpload: noteUpload))
        case .verify(let artifact):
            return .verified(try await parts.artifacts.verify(artifact))
        case .wait(let duration, _):
            do {
                try await parts.environment.sleep(duration)
            } catch {
                return .interrupted
            }
            return .waited
        case .hold(let dependency):
            run.note(isHeld: true)
            await parts.health.untilHealthy(dependency)
            run.note(isHeld: false)
            return Task.isCancelled ? .interrupted : .waited
        case .end:
            return .interrupted
        }
    }

    private func transfer(
        _ link: DownloadLink, _ job: ExportJob, _ machine: RunMachine,
        noteUpload: @escaping @Sendable (Checkpoint) -> Void
    ) async throws(StepError) -> StoredArtifact {
        let key = try settings.keyTemplate.key(for: command, exportID: job.exportID)
        let destination = ArtifactDestination(
            key: key, format: command.format, commandID: command.commandID, exportID: job.exportID,
            replacing: machine.replacing)
        let subject = subject(machine)
        let observer = TransferObserver(
            uploadStarted: { uploadID async throws(StepError) in
                let moment = parts.environment.moment()
                guard let next = machine.checkpointNamingUpload(uploadID, key: key, at: moment) else { return }
                try await writer.write(next)
                noteUpload(next)
                parts.observer.note(.uploadStarted(key: key), of: subject)
            },
            progress: { bytes, total in
                parts.observer.note(.progressed(percent: nil, bytes: bytes, total: total), of: subject)
            })
        return try await parts.artifacts.transfer(
            link, of: command, to: destination, context: context, observer: observer)
    }

    private func exporter() throws(StepError) -> any ModelExporter {
        if let exporter = parts.exporters.exporter(for: command.tenant) { return exporter }
        throw StepError(.permanent(.unknownTenant), Pipeline.unknownTenant(command.tenant, parts.exporters))
    }
}

// MARK: The health of what a run depends on

extension RunDriver {
    private func noteSuccess(of step: RunStep) {
        // A transfer has two sides and says nothing about other calls of either.
        if let dependency = step.dependencies(command.tenant).first, !step.isTransfer {
            parts.health.succeeded(dependency)
        }
        if let stage = step.refusableStage { parts.health.accepted(command.tenant, stage: stage) }
    }

    /// Tells a fault of the surroundings from one of this command, the last time before the command would fail for it.
    private func examined(_ result: RunResult, of step: RunStep, _ machine: RunMachine) async -> RunResult {
        guard case .failed(let error) = result else { return result }
        if step.dependencies(command.tenant) == [.tenant(command.tenant)], error.isFinalAnswer {
            let isMeantForAll = await parts.health.refusesEverybody(.tenant(command.tenant), as: error)
            return isMeantForAll || isHeldRefusal(error, of: step) ? held(error) : result
        }
        if case .permanent = error.kind { return result }
        let judged = await parts.health.judged(
            error, of: step.isTransfer ? nil : step.dependencies(command.tenant).first)
        guard machine.givesUp(on: judged, at: parts.environment.moment()) else { return .failed(judged) }
        for dependency in step.dependencies(command.tenant)
        where await parts.health.isDown(dependency, because: .fault(judged)) {
            return .failed(StepError(.surroundings(dependency), judged.message, httpStatus: judged.httpStatus))
        }
        // A page that a gateway wrote is a refusal too, though it is doubted for a while.
        return isHeldRefusal(judged, of: step) ? held(judged) : .failed(judged)
    }

    private func isHeldRefusal(_ error: StepError, of step: RunStep) -> Bool {
        guard let stage = step.refusableStage, let status = error.httpStatus, status == 403 || status == 404 else {
            return false
        }
        return parts.health.holds(command, refused: Refusal(stage: stage, httpStatus: status), error)
    }

    private func held(_ error: StepError) -> RunResult {
        .failed(StepError(.surroundings(.tenant(command.tenant)), error.message, httpStatus: error.httpStatus))
    }
}

extension RunStep {
    /// What the step needs, in the order in which it is suspected.
    fileprivate func dependencies(_ tenant: String) -> [Dependency] {
        switch self {
        case .checkStatus, .trigger, .poll: [.tenant(tenant)]
        case .write, .abortUploads, .verify: [.objectStore]
        case .transfer: [.tenant(tenant), .objectStore]
        case .wait, .hold, .end: []
        }
    }

    fileprivate var isTransfer: Bool { if case .transfer = self { true } else { false } }

    /// The stage of a call by which a tenant can refuse a command.
    fileprivate var refusableStage: Stage? {
        switch self {
        case .checkStatus: .validate
        case .trigger: .trigger
        default: nil
        }
    }
}

extension StepError {
    /// An answer that ends the run or costs it its job, if it is meant for this command alone.
    fileprivate var isFinalAnswer: Bool {
        switch kind {
        case .permanent, .gone: httpStatus != nil
        default: false
        }
    }
}

/// Carries the checkpoint that names a multipart upload out of the transfer that wrote it.
private final class NotedUpload: Sendable {
    private let checkpoint = Mutex<Checkpoint?>(nil)

    func set(_ value: Checkpoint) { checkpoint.withLock { $0 = value } }
    var value: Checkpoint? { checkpoint.withLock { $0 } }
}

extension RunDriver {
    private func subject(_ machine: RunMachine) -> PipelineSubject {
        PipelineSubject(command, runID: machine.checkpoint?.runID)
    }

    private func note(_ event: PipelineEvent, _ machine: RunMachine) {
        parts.observer.note(event, of: subject(machine))
    }

    private func tell(_ result: RunResult, next: RunStep, _ machine: RunMachine) {
        switch result {
        case .triggered(let job): note(.jobTriggered(job), machine)
        case .polled(.underWay(let percent)): note(.progressed(percent: percent, bytes: nil, total: nil), machine)
        case .stored(let artifact): note(.stored(artifact), machine)
        default: break
        }
        let error = if case .failed(let error) = result { error } else { StepError?.none }
        switch next {
        case .hold(let dependency): note(.held(dependency, because: error), machine)
        case .wait(let duration, let reason) where reason != .polling:
            note(.waiting(duration, reason: reason.rawValue, because: error), machine)
        default: break
        }
    }
}
