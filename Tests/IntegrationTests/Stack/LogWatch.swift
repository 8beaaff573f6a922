// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Logging
import TestKit

/// Keeps the log lines of workers, and lets a test wait for one.
final class LogWatch: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]
    }

    private let watched = Watched<[Line]>([])

    var lines: [Line] { watched.value }

    var logger: Logger { Logger(label: "worker") { _ in Handler(watch: self) } }

    /// Waits until so many lines have that message and satisfy `isMeant`; false once the bound is over.
    func wait(
        for message: String, count: Int = 1, where isMeant: @escaping @Sendable (Line) -> Bool = { _ in true }
    ) async -> Bool {
        await watched.wait { lines in lines.count { $0.message == message && isMeant($0) } >= count }
    }

    /// Waits until a step of a command has failed so often that it is tried again.
    func wait(forFailures count: Int, saying text: String) async -> Bool {
        await wait(for: "waiting", count: count) { $0.metadata["error"]?.contains(text) ?? false }
    }

    /// How the deliveries of these workers were settled, in order; what did not reach the broker left out.
    var settlements: [String] {
        lines.filter { $0.message == "delivery settled" }.compactMap { $0.metadata["settlement"] }
    }

    /// The lines as an operator would read them, for the message of a failed test.
    var text: String {
        lines.map { line in
            let fields = line.metadata.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ")
            return "\(line.level) \(line.message) \(fields)"
        }.joined(separator: "\n")
    }

    private struct Handler: LogHandler {
        let watch: LogWatch
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        init(watch: LogWatch) { self.watch = watch }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            var all = metadata.merging(event.metadata ?? [:]) { $1 }
            if let error = event.error { all["error"] = "\(error)" }
            let line = Line(
                level: event.level, message: event.message.description, metadata: all.mapValues { "\($0)" })
            watch.watched.update { $0.append(line) }
        }
    }
}
