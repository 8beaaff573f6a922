// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import ServiceLifecycle
internal import Synchronization

/// Publishes `started` and `progress` events where `events.progress` asks for them.
///
/// They are news, not records: a bounded number waits, the oldest give way, and a failed publish is forgotten. Nothing
/// waits for them, least of all an acknowledgement.
final class ProgressReporter: PipelineObserver, Service {
    /// One progress event of a command at most this often.
    private static let interval = Duration.seconds(1)

    private let publisher: AMQPPublisher
    private let exchange: String
    private let source: String
    private let environment: any PipelineEnvironment
    private let reports: AsyncStream<ProgressReport>
    private let continuation: AsyncStream<ProgressReport>.Continuation
    private struct Last {
        var at: Duration
        var sequence: Int
    }

    /// When each run was last reported, for those in flight.
    private let lasts = Mutex<[String: Last]>([:])

    init(
        publisher: AMQPPublisher, exchange: String, source: String, environment: any PipelineEnvironment
    ) {
        self.publisher = publisher
        self.exchange = exchange
        self.source = source
        self.environment = environment
        (reports, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            for await report in reports {
                let message = ExportEvent(report, source: source).message(exchange: exchange)
                do throws(AMQPError) { _ = try await publisher.publish(message) } catch {}
            }
        } onGracefulShutdown: {
            self.continuation.finish()
        }
    }

    func note(_ event: PipelineEvent, of subject: PipelineSubject) {
        guard let command = ExportCommand(subject), let runID = subject.runID else { return }
        switch event {
        case .runStarted: report(.started, command, runID, stage: .receive)
        case .progressed(_, let bytes?, let total):
            guard let sequence = nextSequence(runID) else { return }
            let percent = total.map { $0 > 0 ? Double(bytes) / Double($0) * 100 : 0 } ?? 0
            report(.progress(sequence: sequence), command, runID, stage: .transfer, percent: percent, bytes: bytes)
        case .progressed(let percent, nil, _):
            guard let sequence = nextSequence(runID) else { return }
            report(.progress(sequence: sequence), command, runID, stage: .poll, percent: percent ?? 0)
        case .runEnded: lasts.withLock { _ = $0.removeValue(forKey: runID) }
        default: break
        }
    }

    private func report(
        _ kind: ProgressReport.Kind, _ command: ExportCommand, _ runID: String, stage: Stage, percent: Double = 0,
        bytes: Int = 0
    ) {
        continuation.yield(
            ProgressReport(
                kind: kind, runID: runID, timestamp: environment.date(), command: command, stage: stage,
                percent: percent, bytes: bytes))
    }

    /// The number of the run's next progress event; nil while the last one is too recent.
    private func nextSequence(_ runID: String) -> Int? {
        let now = environment.now()
        return lasts.withLock { lasts in
            let last = lasts[runID]
            if let last, now - last.at < Self.interval { return nil }
            let next = Last(at: now, sequence: (last?.sequence ?? 0) + 1)
            lasts[runID] = next
            return next.sequence
        }
    }
}

extension ExportCommand {
    /// The command a subject tells of, where it tells enough.
    fileprivate init?(_ subject: PipelineSubject) {
        guard let id = subject.commandID, let tenant = subject.tenant, let model = subject.modelID,
            let version = subject.version, let format = subject.format
        else { return nil }
        self.init(commandID: id, tenant: tenant, modelID: model, version: version, format: format)
    }
}
