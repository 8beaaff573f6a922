// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// Keeps every log line of a worker, of every level.
final class LogCollector: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]

        /// The line as an operator would read it.
        var text: String {
            "\(level) \(message) " + metadata.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ")
        }
    }

    private let collected = Mutex<[Line]>([])

    var lines: [Line] { collected.withLock { $0 } }

    var logger: Logger { Logger(label: "worker") { _ in Handler(collector: self) } }

    func lines(of commandID: String, _ message: String) -> [Line] {
        lines.filter { $0.message == message && $0.metadata["command.id"] == commandID }
    }

    private struct Handler: LogHandler {
        let collector: LogCollector
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        init(collector: LogCollector) { self.collector = collector }

        func log(event: LogEvent) {
            var all = metadata.merging(event.metadata ?? [:]) { $1 }
            if let error = event.error { all["error"] = "\(error)" }
            let line = Line(
                level: event.level, message: event.message.description, metadata: all.mapValues { "\($0)" })
            collector.collected.withLock { $0.append(line) }
        }
    }
}
