// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Logging

/// The names under which log lines carry ids.
enum LogKey {
    static let command = "command.id"
    static let tenant = "tenant"
    static let model = "model.id"
    static let version = "model.version"
    static let run = "run.id"
    static let stage = "stage"
    static let job = "job.id"
    static let export = "export.id"
    static let object = "object.location"
    static let bytes = "object.bytes"
    static let code = "failure.code"
    static let error = "error"
    static let reason = "reason"
    static let wait = "wait.seconds"
    static let record = "audit.record"
    static let sink = "audit.sink"
    static let event = "event.id"
    static let settlement = "settlement"
}

/// One log line for each thing that happens to a command.
struct LogObserver: PipelineObserver {
    let logger: Logger

    func note(_ event: PipelineEvent, of subject: PipelineSubject) {
        // Thousands of polls have nothing to say to anybody who does not ask for details.
        if event.isDetail, logger.logLevel > .debug { return }
        let line = Line(event)
        var metadata = line.metadata
        for (key, value) in [
            (LogKey.command, subject.commandID), (LogKey.tenant, subject.tenant), (LogKey.model, subject.modelID),
            (LogKey.version, subject.version), (LogKey.run, subject.runID),
        ] {
            if let value { metadata[key] = "\(value)" }
        }
        logger.log(level: line.level, line.message, metadata: metadata)
    }

    /// How an event reads.
    private struct Line {
        var level = Logger.Level.info
        var message: Logger.Message
        var metadata: Logger.Metadata = [:]

        init(_ event: PipelineEvent) {
            switch event {
            case .refused(let outcome):
                (level, message) = (.warning, "message refused")
                metadata = Self.failure(outcome.failure)
            case .accepted(let command, let isRedelivered):
                message = "command received"
                metadata = ["redelivered": "\(isRedelivered)", "format": "\(command.command.format)"]
            case .runStarted(let checkpoint, let previous):
                message = previous == nil ? "run started" : "run taken over"
                metadata = ["epoch": "\(checkpoint.epoch)"]
                if let previous { metadata["previous.owner"] = "\(previous)" }
            case .stageBegan(let stage):
                (level, message) = (.debug, "stage began")
                metadata = [LogKey.stage: "\(stage.rawValue)"]
            case .jobTriggered(let job):
                message = "export job started"
                metadata = [LogKey.job: "\(job.jobID)", LogKey.export: "\(job.exportID)"]
            case .progressed(let percent, let bytes, _):
                (level, message) = (.debug, "progress")
                if let percent { metadata["percent"] = "\(percent)" }
                if let bytes { metadata[LogKey.bytes] = "\(bytes)" }
            case .waiting(let duration, let reason, let error):
                (level, message) = (error == nil ? .debug : .warning, "waiting")
                metadata = [LogKey.wait: "\(Self.seconds(duration))", LogKey.reason: "\(reason)"]
                if let error { metadata[LogKey.error] = "\(error)" }
            case .held(let dependency, let error):
                message = "command waits for a dependency"
                metadata = ["dependency": "\(dependency)"]
                if let error { metadata[LogKey.error] = "\(error)" }
            case .uploadStarted(let key):
                message = "multipart upload began"
                metadata = ["object.key": "\(key)"]
            case .stored(let artifact):
                message = "artifact stored"
                metadata = Self.object(artifact)
                metadata["object.sha256"] = "\(artifact.sha256)"
            case .runEnded(let end):
                self = Self.ended(end)
            case .verifiedAgain(let artifact, let verification):
                message = "command was decided before; object looked at again"
                metadata = Self.object(artifact)
                metadata["verification"] = "\(verification)"
            case .unreadableState(let what):
                (level, message) = (.error, "state document cannot be read; the command is held")
                metadata = [LogKey.error: "\(what)"]
            case .audited(let record, let sink):
                message = "audit record written"
                metadata = [LogKey.record: "\(record.recordID)", LogKey.sink: "\(sink)"]
            case .announced(let event, let routing):
                (level, message) =
                    routing == .routed
                    ? (.info, "event confirmed")
                    : (.warning, "event confirmed, but no queue is bound to receive it")
                metadata = [LogKey.event: "\(event.id)", "event.key": "\(event.routingKey)"]
            case .settled(let settlement, let reached):
                (level, message) =
                    reached
                    ? (.info, "delivery settled") : (.notice, "delivery not settled: its channel is gone")
                metadata = [LogKey.settlement: "\(settlement)"]
            }
        }

        private init(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata = [:]) {
            self.level = level
            self.message = message
            self.metadata = metadata
        }

        private static func ended(_ end: RunEnd) -> Line {
            switch end {
            case .overtaken: return Line(.notice, "run overtaken by another worker")
            case .released: return Line(.info, "run released")
            case .decided(let checkpoint):
                guard let outcome = checkpoint.outcome else { return Line(.info, "run decided") }
                if let failure = outcome.failure { return Line(.error, "command failed", Self.failure(failure)) }
                return Line(
                    .info, "artifact verified", outcome.artifact.map(Self.object) ?? [:])
            }
        }

        private static func object(_ artifact: StoredArtifact) -> Logger.Metadata {
            [LogKey.object: "\(artifact.location)", LogKey.bytes: "\(artifact.sizeBytes)"]
        }

        private static func failure(_ failure: Failure?) -> Logger.Metadata {
            guard let failure else { return [:] }
            return [
                LogKey.code: "\(failure.code.rawValue)", LogKey.stage: "\(failure.stage.rawValue)",
                LogKey.error: "\(failure.message)",
            ]
        }

        private static func seconds(_ duration: Duration) -> Double {
            let (seconds, attoseconds) = duration.components
            return Double(seconds * 1000 + attoseconds / 1_000_000_000_000_000) / 1000
        }
    }
}

/// Tells several observers of the same thing.
struct ObserverGroup: PipelineObserver {
    let observers: [any PipelineObserver]

    func note(_ event: PipelineEvent, of subject: PipelineSubject) {
        for observer in observers { observer.note(event, of: subject) }
    }
}

extension PipelineEvent {
    /// Whether it is logged as `debug`.
    fileprivate var isDetail: Bool {
        switch self {
        case .stageBegan, .progressed, .waiting(_, reason: _, because: nil): true
        default: false
        }
    }
}
