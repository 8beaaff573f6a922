// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import FoundationEssentials
internal import HTTPTransport
internal import Logging
internal import Synchronization

/// `nlu-export-worker export`: the same pipeline once, without a broker.
///
/// The command has a checkpoint like any other: repeated under the same id it continues, and it never meets a worker's
/// run of the same command half way. Its event is not published; its content is the result that is printed.
package enum ExportOnce {
    /// Exports one model version; ends by its outcome.
    package static func run(settings: Settings, submission: Submission, output: OutputFormat) async -> WorkerExit {
        let logger = Logger(label: "export")
        let parts: WorkerParts
        do {
            parts = try WorkerParts(
                settings: settings, logger: logger, environmentVariables: ProcessInfo.processInfo.environment)
        } catch {
            CommandOutput.complain(error.description)
            return .configuration
        }
        let exit = await run(parts, submission, output)
        await parts.http.shutdown()
        return exit
    }

    private static func run(_ parts: WorkerParts, _ submission: Submission, _ output: OutputFormat) async -> WorkerExit
    {
        if let exit = await refusal(of: parts) { return exit }
        let command = SubmittedCommand(submission, settings: parts.settings, environment: parts.environment)
        if let problem = command.problem {
            CommandOutput.complain(problem)
            return .usage
        }
        let display = ProgressDisplay.standardError()
        let result = LocalResult()
        let (pipeline, health) = parts.pipeline(
            events: result, publisher: nil,
            observer: ObserverGroup(observers: [
                LogObserver(logger: parts.logger), DisplayObserver(display: display),
            ]))
        endLongPauses(pipeline, health, parts, display)
        let lease = parts.leaseKeeper()
        let renewing = Task { await lease.run { _ in } }
        let delivery = LocalDelivery(message: command.localMessage)
        let settlement = await withSignalHandling(pipeline) {
            let settlement = await pipeline.handle(delivery)
            renewing.cancel()
            await renewing.value
            do throws(StepError) { try await lease.removeUncancelled() } catch {}
            return settlement
        }
        return conclude(settlement, result, command, display, output)
    }

    /// Nobody waits for ever at a command line: a pause is told at once and ends the command after `retry.holdFor`.
    private static func endLongPauses(
        _ pipeline: Pipeline, _ health: DependencyHealth, _ parts: WorkerParts, _ display: ProgressDisplay
    ) {
        let (environment, holdFor) = (parts.environment, parts.settings.retry.holdFor)
        health.listen { [weak health] change in
            guard case .opened(let outage) = change else { return }
            display.interject("waiting, because the \(outage.dependency) is out of order: \(outage.reason)")
            Task {
                try await environment.sleep(holdFor)
                if health?.isHealthy(outage.dependency) == false { pipeline.stop(.soft) }
            }
        }
    }

    /// Why the store cannot carry an export now, as the way the command ends.
    private static func refusal(of parts: WorkerParts) async -> WorkerExit? {
        do {
            try await StoreGuard(parts: parts).proveOnce()
            return nil
        } catch let error as UnsuitableStore {
            CommandOutput.complain(error.description)
            return .configuration
        } catch {
            CommandOutput.complain("the object store is not usable: \(error); try: nlu-export-worker doctor")
            return .unavailable
        }
    }

    private static func conclude(
        _ settlement: Settlement?, _ result: LocalResult, _ command: SubmittedCommand, _ display: ProgressDisplay,
        _ output: OutputFormat
    ) -> WorkerExit {
        guard let body = result.body, let event = FollowedEvent(body), case .ended(let end) = event.news,
            settlement != .requeue
        else {
            display.close()
            CommandOutput.complain(
                "command \(command.commandID) was not decided; continue it with --command-id \(command.commandID)")
            return .undecided
        }
        display.finished(command.commandID, end)
        if output == .json { CommandOutput.print(String(decoding: body, as: UTF8.self)) }
        switch end {
        case .success(let text):
            if output == .text { CommandOutput.print(text) }
            return .success
        case .failure: return .commandFailed
        }
    }
}

/// Keeps the event that a broker would have been told.
private final class LocalResult: EventPublisher {
    private let event = Mutex<ExportEvent?>(nil)

    var body: [UInt8]? { event.withLock { $0?.body } }

    func publish(_ event: ExportEvent) async throws(StepError) -> EventRouting {
        self.event.withLock { $0 = event }
        return .routed
    }
}

/// A message that nobody lent: settling it is remembering nothing.
private struct LocalDelivery: Delivery {
    let message: IncomingMessage
    let queue = "command line"

    func settle(_ settlement: Settlement) async -> Bool { true }
}

extension SubmittedCommand {
    /// The command as if it had been redelivered: a decided one is reported again, not run again.
    var localMessage: IncomingMessage {
        IncomingMessage(body: body, contentType: "application/json", messageID: commandID, isRedelivered: true)
    }
}

/// Shows the pipeline's progress on a display.
struct DisplayObserver: PipelineObserver {
    let display: ProgressDisplay

    func note(_ event: PipelineEvent, of subject: PipelineSubject) {
        guard let id = subject.commandID else { return }
        switch event {
        case .stageBegan(let stage): display.update(ProgressUpdate(commandID: id, stage: stage.rawValue))
        case .progressed(let percent, let bytes, let total):
            display.update(
                ProgressUpdate(
                    commandID: id, stage: (bytes == nil ? Stage.poll : .transfer).rawValue, percent: percent,
                    bytes: bytes, total: total))
        default: break
        }
    }
}
