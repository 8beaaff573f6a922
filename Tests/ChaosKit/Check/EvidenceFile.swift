// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CognigySimulator
internal import Foundation

/// Writes down what is known of the commands that did not end as they should, for whoever looks into it.
struct EvidenceFile {
    let directory: String
    let commands: [PlannedCommand]
    let evidence: Evidence

    /// A file for each command concerned: findings, records, the tenant's log and the workers' log lines about it.
    func write(_ findings: [Finding], logs: [String]) throws {
        let concerned = Set(findings.compactMap(\.command)).sorted().prefix(50)
        guard !concerned.isEmpty else { return }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var lines = Dictionary(uniqueKeysWithValues: concerned.map { ($0, [String]()) })
        for path in logs { collect(path, &lines) }
        for command in concerned {
            let text =
                about(command, findings.filter { $0.command == command })
                + (lines[command] ?? []).sorted { Self.time($0) < Self.time($1) }
            try (text.joined(separator: "\n") + "\n").write(
                toFile: "\(directory)/\(command).txt", atomically: true, encoding: .utf8)
        }
    }

    private func about(_ command: String, _ findings: [Finding]) -> [String] {
        var text = findings.map { "\($0.rule.rawValue): \($0.what)" }
        text += commands.filter { $0.id == command }.map { "command: \($0)" }
        text += evidence.objects.filter { $0.commandID == command }.map { "object: \($0)" }
        text += evidence.audits.filter { $0.commandID == command }.map { "audit: \($0)" }
        text += evidence.checkpoints.filter { $0.commandId == command }.map { "checkpoint: \($0)" }
        text += evidence.events.filter { $0.document?.data.commandId == command }.map {
            "event: \($0.routingKey) \($0.id) \(String(decoding: $0.body, as: UTF8.self))"
        }
        text += evidence.triggers.filter { $0.commandID == command }.map { "trigger: \($0)" }
        text += evidence.jobs.filter { $0.metadata["commandId"]?.string == command }.map { "job: \($0)" }
        text += evidence.uploads.filter { $0.key.contains(command) }.map { "open upload: \($0)" }
        return text + ["log:"]
    }

    private func collect(_ path: String, _ lines: inout [String: [String]]) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
        let name = URL(filePath: path).deletingPathExtension().lastPathComponent
        let key = "\"command.id\":\""
        for line in text.split(separator: "\n") {
            guard let start = line.range(of: key)?.upperBound,
                let end = line[start...].firstIndex(of: "\"")
            else { continue }
            lines[String(line[start..<end])]?.append("\(name) \(line)")
        }
    }

    /// The time stamp of a line, which is the same length in all of them.
    private static func time(_ line: String) -> Substring {
        guard let start = line.range(of: "\"timestamp\":\"")?.upperBound else { return "" }
        return line[start...].prefix(24)
    }
}
