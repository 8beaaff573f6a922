// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Carries out the steps of one run: asks the machine, does it, tells the machine.
///
/// A class for the reason that `DeliveryDriver` is one.
final class RunDriver: Sendable {
    let core: PipelineCore
    let setup: RunMachine.Setup
    let run: ActiveRun
    let writer: CheckpointWriter

    init(core: PipelineCore, setup: RunMachine.Setup, run: ActiveRun, writer: CheckpointWriter) {
        self.core = core
        self.setup = setup
        self.run = run
        self.writer = writer
    }

    var parts: PipelineParts { core.parts }
    var settings: PipelineSettings { core.settings }
    var command: ExportCommand { setup.accepted.command }
    private var context: CallContext { setup.accepted.context }

    private var control: StopControl { run.control }

    func carryOut(_ start: RunStart) async -> RunEnd {
        let course = begin(start)
        while true {
            if case .end(let end) = course.step {
                tellEnd(end, course)
                return end
            }
            tellStage(course)
            let asked = parts.environment.now()
            // Waiting is most of a run's life, and not left to `perform`, which keeps room for everything else.
            let result =
                if case .wait(let duration, _) = course.step {
                    await wait(duration, cutShortAt: course.step.cutShortAt)
                } else {
                    await examined(await perform(course), of: course.step, course.machine)
                }
            goOn(course, after: result, asked: asked)
        }
    }

    // What does not wait is not inlined into what does: a suspended function keeps room for everything that was inlined
    // into it, ten thousand times where ten thousand exports are in flight.

    @inline(never)
    private func begin(_ start: RunStart) -> RunCourse {
        RunCourse(RunMachine(setup: setup, start: start, at: parts.environment.moment()), base: start.base)
    }

    @inline(never)
    private func goOn(_ course: RunCourse, after result: RunResult, asked: Duration) {
        tellStart(course, result)
        course.step = course.machine.handle(result, at: moment(of: result, asked: asked))
        tell(result, course)
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

    private func wait(_ duration: Duration, cutShortAt threshold: StopLevel) async -> RunResult {
        guard control.level < .soft else { return .interrupted }
        return await control.run(cutShortAt: threshold) { [environment = parts.environment] in
            do {
                try await environment.sleep(duration)
                return .waited
            } catch {
                return .interrupted
            }
        }
    }

    /// Does one step, or declines to begin it once the worker lets go.
    private func perform(_ course: RunCourse) async -> RunResult {
        let step = course.step
        guard control.level < .soft || step.isBegunWhileDraining else { return .interrupted }
        let snapshot = RunSnapshot(of: course)
        if case .write = step {
            // A conditional write is never cut short: its answer decides who owns the run.
            return await uncut { await self.attempt(step, snapshot) }
        }
        let result = await control.run(cutShortAt: step.cutShortAt) { await self.attempt(step, snapshot) }
        snapshot.bringUpload(to: course)
        return result
    }

    private func attempt(_ step: RunStep, _ snapshot: RunSnapshot) async -> RunResult {
        guard let line = step.line(command.tenant) else { return await tried(step, snapshot) }
        guard await core.gate.enter(line) else { return .interrupted }
        defer { core.gate.leave(line) }
        return await tried(step, snapshot)
    }

    private func tried(_ step: RunStep, _ snapshot: RunSnapshot) async -> RunResult {
        do throws(StepError) {
            let result = try await carryOut(step, snapshot)
            noteSuccess(of: step)
            return result
        } catch {
            return error.kind == .interrupted ? .interrupted : .failed(error)
        }
    }

    private func carryOut(_ step: RunStep, _ snapshot: RunSnapshot) async throws(StepError) -> RunResult {
        switch step {
        case .write(let checkpoint):
            try await writer.write(checkpoint)
            return .written
        case .abortUploads(let job, let recorded):
            try await parts.artifacts.abortUploads(of: key(of: job), recorded: recorded)
            return .aborted
        case .checkStatus:
            return .status(try await exporter().status(of: command, context: context))
        case .trigger(let runID):
            return .triggered(try await exporter().trigger(command, runID: runID, context: context))
        case .poll(let job):
            return .polled(try await exporter().poll(job, of: command, context: context))
        case .transfer(let link, let job):
            return .stored(try await transfer(link, job, snapshot))
        case .verify(let artifact):
            return .verified(try await parts.artifacts.verify(artifact))
        case .hold(let dependency):
            run.note(isHeld: true)
            await parts.health.untilHealthy(dependency)
            run.note(isHeld: false)
            return Task.isCancelled ? .interrupted : .waited
        case .wait, .end:
            return .interrupted
        }
    }

    @inline(never)
    private func transfer(
        _ link: DownloadLink, _ job: ExportJob, _ snapshot: RunSnapshot
    ) async throws(StepError) -> StoredArtifact {
        let key = try key(of: job)
        let destination = ArtifactDestination(
            key: key, format: command.format, commandID: command.commandID, exportID: job.exportID,
            replacing: snapshot.machine.replacing)
        let subject = subject(snapshot.machine)
        let observer = TransferObserver(
            uploadStarted: { uploadID async throws(StepError) in
                let moment = self.parts.environment.moment()
                guard let next = snapshot.machine.checkpointNamingUpload(uploadID, key: key, at: moment) else { return }
                try await self.writer.write(next)
                snapshot.note(next)
                self.parts.observer.note(.uploadStarted(key: key), of: subject)
            },
            progress: { bytes, total in
                self.parts.observer.note(.progressed(percent: nil, bytes: bytes, total: total), of: subject)
            })
        return try await parts.artifacts.transfer(
            link, of: command, to: destination, context: context, observer: observer)
    }

    @inline(never)
    private func key(of job: ExportJob) throws(StepError) -> String {
        try settings.keyTemplate.key(for: command, exportID: job.exportID)
    }

    @inline(never)
    private func exporter() throws(StepError) -> any ModelExporter {
        if let exporter = parts.exporters.exporter(for: command.tenant) { return exporter }
        throw StepError(.permanent(.unknownTenant), Pipeline.unknownTenant(command.tenant, parts.exporters))
    }
}

/// A run as it goes. By reference, so that whatever waits holds one word of it.
final class RunCourse {
    var machine: RunMachine
    var step: RunStep
    /// Who owned the run before, where it was taken over.
    let previousOwner: String?
    /// What the observer was told already.
    var isStartTold = false
    var toldStage: Stage?

    init(_ machine: RunMachine, base: Checkpoint?) {
        self.machine = machine
        step = machine.step
        previousOwner = base?.owner
    }
}

/// The machine as a step found it, for the task that carries the step out, and what that task has to tell besides its
/// result: the checkpoint that names a multipart upload, written in the middle of a transfer.
private final class RunSnapshot: Sendable {
    let machine: RunMachine
    private let checkpoint = Mutex<Checkpoint?>(nil)

    @inline(never)
    init(of course: RunCourse) { machine = course.machine }

    func note(_ written: Checkpoint) { checkpoint.withLock { $0 = written } }

    @inline(never)
    func bringUpload(to course: RunCourse) {
        if let written = checkpoint.withLock({ $0 }) { course.machine.uploadNoted(written) }
    }
}
