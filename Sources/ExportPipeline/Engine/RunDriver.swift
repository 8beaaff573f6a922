// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Carries out the steps of one run: asks the machine, does it, tells the machine.
struct RunDriver: Sendable {
    let parts: PipelineParts
    let settings: PipelineSettings
    let setup: RunMachine.Setup
    let control: StopControl
    let writer: CheckpointWriter

    private var command: ExportCommand { setup.accepted.command }
    private var context: CallContext { setup.accepted.context }

    func run(_ start: RunStart) async -> RunEnd {
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
            let result = await perform(step, &machine)
            if !isStarted, case .written = result, case .write(let first) = step {
                isStarted = true
                let previous = start.base?.owner
                note(.runStarted(first, takenOverFrom: previous == settings.instance ? nil : previous), machine)
            }
            step = machine.handle(result, at: environment.moment())
            tell(result, next: step, machine)
        }
    }

    /// Does one step, or declines to begin it once the worker lets go.
    private func perform(_ step: RunStep, _ machine: inout RunMachine) async -> RunResult {
        let level = control.level
        guard level == .running || step.isBegunWhileDraining else { return .interrupted }
        let before = machine
        if case .write = step {
            // A conditional write is never cut short: its answer decides who owns the run.
            return await uncut { await attempt(step, before, noteUpload: { _ in }) }
        }
        let noted = NotedUpload()
        let result = await control.run(interruptible: step.mayBeInterrupted) {
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
            if let dependency = dependency(of: step) { parts.health.succeeded(dependency) }
            return result
        } catch {
            if error.kind == .interrupted { return .interrupted }
            guard let dependency = dependency(of: step) else { return .failed(error) }
            return .failed(parts.health.judged(error, of: dependency, at: parts.environment.now()))
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
        case .discard(let artifact):
            try await parts.artifacts.discard(artifact)
            return .discarded
        case .wait(let duration, _):
            do {
                try await parts.environment.sleep(duration)
            } catch {
                return .interrupted
            }
            return .waited
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
            key: key, format: command.format, commandID: command.commandID, exportID: job.exportID)
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

    private func dependency(of step: RunStep) -> Dependency? {
        switch step {
        case .checkStatus, .trigger, .poll: .tenant(command.tenant)
        case .write, .abortUploads, .verify, .discard: .objectStore
        // A transfer has two sides; its errors name their own.
        case .transfer, .wait, .end: nil
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
        guard case .wait(let duration, let reason) = next, reason != .polling else { return }
        let error = if case .failed(let error) = result { error } else { StepError?.none }
        note(.waiting(duration, reason: reason.rawValue, because: error), machine)
    }
}
