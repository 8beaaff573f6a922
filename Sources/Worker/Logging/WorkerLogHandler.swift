// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Glibc
package import Logging
internal import Synchronization

/// A log handler that makes one line of every entry and hands it to a writer.
package struct WorkerLogHandler: LogHandler {
    package enum Form: Sendable, Hashable { case json, text }

    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    private let label: String
    private let form: Form
    private let writer: LogWriter
    /// Milliseconds since 1970.
    private let now: @Sendable () -> Int64

    package init(
        label: String, form: Form, level: Logger.Level, writer: LogWriter,
        metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> Int64 = { WorkerLogHandler.wallClock() }
    ) {
        self.label = label
        self.form = form
        self.logLevel = level
        self.writer = writer
        self.metadataProvider = metadataProvider
        self.now = now
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provider = metadataProvider { all.merge(provider.get()) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = .string("\(error)") }
        let line = LogLine(
            timestamp: Timestamp(milliseconds: now()).description, level: event.level, label: label,
            source: event.source, message: event.message.description, fields: LogFields(all))
        writer.write(form == .json ? line.json : line.text, isDroppable: event.level <= .info)
    }

    /// Milliseconds since 1970 by the system's clock.
    package static func wallClock() -> Int64 {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// Starts logging for the process.
package enum LogSetup {
    /// Makes swift-log write through a new writer to standard error. Call once a process, before the first `Logger`;
    /// close the writer at the end, or the last lines are lost.
    package static func start(_ settings: Settings.Log) -> LogWriter {
        let form = form(settings.format, isTerminal: isatty(STDERR_FILENO) == 1)
        let writer = LogWriter(descriptor: STDERR_FILENO) { droppedNotice($0, form) }
        shared.withLock { $0 = writer }
        let level = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        LoggingSystem.bootstrap(
            { label, provider in
                WorkerLogHandler(label: label, form: form, level: level, writer: writer, metadataProvider: provider)
            }, metadataProvider: nil)
        return writer
    }

    /// The writer of this process: that of `start`, else one to standard error made here.
    package static var current: LogWriter {
        shared.withLock { writer in
            if let writer { return writer }
            let made = LogWriter(descriptor: STDERR_FILENO) { droppedNotice($0, .text) }
            writer = made
            return made
        }
    }

    private static let shared = Mutex<LogWriter?>(nil)

    /// Logs a warning about the configuration, from code that has no logger of its own.
    package static func warn(_ text: String) {
        Logger(label: "nlu-export-worker.configuration").warning("\(text)")
    }

    static func form(_ format: Settings.Log.Format, isTerminal: Bool) -> WorkerLogHandler.Form {
        switch format {
        case .json: .json
        case .text: .text
        case .auto: isTerminal ? .text : .json
        }
    }

    /// The line that says how many others were left out because nobody read them fast enough.
    static func droppedNotice(_ count: Int, _ form: WorkerLogHandler.Form) -> String {
        let line = LogLine(
            timestamp: Timestamp(milliseconds: WorkerLogHandler.wallClock()).description, level: .warning,
            label: "nlu-export-worker.log", source: "Worker",
            message: "log lines were dropped: they came faster than they could be written",
            fields: LogFields(["log.dropped": .stringConvertible(count)]))
        return form == .json ? line.json : line.text
    }
}
