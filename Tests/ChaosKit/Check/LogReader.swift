// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What the workers' logs say about each command.
package struct LogSummary: Sendable {
    /// Deliveries that workers took, by command.
    package var deliveries: [String: Int] = [:]
    /// Settlements that were written to the broker, by command: `acknowledge`, `reject`, `requeue`.
    package var settlements: [String: [String: Int]] = [:]
    /// Deliveries that were rejected, also of messages that are no command.
    package var rejections = 0
    /// Runs that another worker went on with.
    package var takeOvers = 0
    /// Runs whose owner found that somebody else has them.
    package var overtaken = 0
    /// Lines of level error or worse, by message.
    package var errors: [String: Int] = [:]

    package init() {}

    /// Acknowledgements of all commands.
    package var acknowledgements: Int { settlements.values.reduce(0) { $0 + ($1["acknowledge"] ?? 0) } }
    /// Commands that were acknowledged at least once.
    package var done: Int { settlements.count { $1["acknowledge"] != nil } }
}

/// Reads the log files of a folder as they grow.
struct LogReader {
    private struct Line: Decodable {
        let level: String
        let message: String
        let command: String?
        let settlement: String?

        enum CodingKeys: String, CodingKey {
            case level, message, settlement
            case command = "command.id"
        }
    }

    private let directory: String
    private var positions: [String: UInt64] = [:]
    private(set) var summary = LogSummary()

    init(directory: String) { self.directory = directory }

    /// The paths of the logs in order of their names.
    var paths: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".log") }.sorted().map { "\(directory)/\($0)" }
    }

    /// Takes in what has been written since the last time; lines that are not complete wait.
    mutating func read() {
        for path in paths {
            guard let file = FileHandle(forReadingAtPath: path) else { continue }
            defer { try? file.close() }
            let position = positions[path] ?? 0
            guard (try? file.seek(toOffset: position)) != nil, let data = try? file.readToEnd(),
                let end = data.lastIndex(of: UInt8(ascii: "\n"))
            else { continue }
            positions[path] = position + UInt64(end - data.startIndex + 1)
            for line in data[..<end].split(separator: UInt8(ascii: "\n")) { take(line) }
        }
    }

    private static let interesting = [
        "\"message\":\"command received\"", "\"message\":\"delivery settled\"", "\"message\":\"run taken over\"",
        "\"message\":\"run overtaken", "\"level\":\"error\"", "\"level\":\"critical\"",
    ].map { Data($0.utf8) }

    private mutating func take(_ bytes: Data) {
        guard Self.interesting.contains(where: { bytes.firstRange(of: $0) != nil }),
            let line = try? JSONDecoder().decode(Line.self, from: bytes)
        else { return }
        switch line.message {
        case "command received": line.command.map { summary.deliveries[$0, default: 0] += 1 }
        case "delivery settled":
            if line.settlement == "reject" { summary.rejections += 1 }
            if let command = line.command, let settlement = line.settlement {
                summary.settlements[command, default: [:]][settlement, default: 0] += 1
            }
        case "run taken over": summary.takeOvers += 1
        case "run overtaken by another worker": summary.overtaken += 1
        default: summary.errors[line.message, default: 0] += 1
        }
    }
}
