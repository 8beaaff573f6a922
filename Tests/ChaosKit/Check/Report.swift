// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CognigySimulator
internal import Foundation

/// What came of a run, as a table and a verdict.
package struct Report: Sendable {
    package let seed: UInt64
    package let findings: [Finding]
    /// Names and values of the table, in order.
    package let rows: [(name: String, value: String)]
    /// What is worth knowing and no failure.
    package let notes: [String]

    package var isGood: Bool { findings.isEmpty }

    package init(
        commands: [PlannedCommand], evidence: Evidence, findings: [Finding], faults: [FaultKind: Int], seed: UInt64,
        time: Duration
    ) {
        self.seed = seed
        self.findings = findings
        let completed = evidence.events.filter { $0.routingKey == "nlu.export.completed" }
        let triggers = Dictionary(grouping: evidence.triggers) { $0.commandID ?? "" }
        let deliveries = commands.map { evidence.log.deliveries[$0.id] ?? 0 }
        func affected(_ rule: Finding.Rule) -> Int {
            let found = findings.filter { $0.rule == rule }
            return Set(found.map { $0.command ?? $0.what }).count
        }
        let mean = Double(deliveries.reduce(0, +)) / Double(max(1, commands.count))
        let twice = commands.count { $0.copies > 1 }
        rows = [
            ("commands", "\(commands.count), \(twice) of them published twice"),
            ("objects", "\(evidence.objects.count)"),
            ("audit successes", "\(evidence.audits.count { $0.outcome == "SUCCESS" })"),
            ("audit failures", "\(evidence.audits.count { $0.outcome != "SUCCESS" })"),
            ("completion events", "\(Set(completed.map(\.id)).count) ids, \(completed.count) copies"),
            (
                "triggers",
                "\(evidence.triggers.count), \(evidence.triggers.count(where: \.isRepeat)) repeats under the same key, "
                    + "at most \(triggers.values.map(\.count).max() ?? 0) a command"
            ),
            (
                "jobs",
                "\(evidence.jobs.count), \(commands.reduce(0) { $0 + $1.runs - 1 }) lost by the tenant on purpose"
            ),
            ("take-overs", "\(evidence.log.takeOvers), \(evidence.log.overtaken) owners found themselves overtaken"),
            ("deliveries per command", String(format: "%.2f, at most %d", mean, deliveries.max() ?? 0)),
            ("lost", "\(affected(.lost))"), ("doubled", "\(affected(.doubled))"),
            ("two outcomes", "\(affected(.twoOutcomes))"), ("dead", "\(evidence.dead.count)"),
            ("trouble", Self.list(faults)), ("time", String(format: "%.0f s", time / .seconds(1))),
        ]
        notes = Self.notes(evidence)
    }

    private static func list(_ faults: [FaultKind: Int]) -> String {
        let made = FaultKind.allCases.compactMap { kind in faults[kind].map { "\($0) \(kind.rawValue)" } }
        return made.isEmpty ? "none" : made.joined(separator: ", ")
    }

    private static func notes(_ evidence: Evidence) -> [String] {
        var notes: [String] = []
        let unknown = evidence.uploads.count { !evidence.writtenUploads.contains($0.id) }
        if unknown > 0 {
            notes.append(
                "\(unknown) multipart uploads are open that no checkpoint ever named: begun by an owner who "
                    + "could not write it down any more; the bucket's lifecycle rule is for them")
        }
        for (message, count) in evidence.log.errors.sorted(by: { $0.key < $1.key }) {
            notes.append("logged \(count) times as an error: \(message)")
        }
        return notes
    }

    /// The table, then what is worth knowing, then what does not hold.
    package var text: String {
        let width = rows.map(\.name.count).max() ?? 0
        var lines = rows.map { row in
            "  \(row.name)\(String(repeating: " ", count: width - row.name.count + 2))\(row.value)"
        }
        lines += notes.map { "  note: \($0)" }
        lines.append(isGood ? "  everything holds (seed \(seed))" : "  DOES NOT HOLD (seed \(seed)):")
        let shown = findings.prefix(Self.shownFindings)
        lines += shown.map { "    \($0.rule.rawValue): \($0.command.map { "\($0): " } ?? "")\($0.what)" }
        if findings.count > shown.count { lines.append("    … and \(findings.count - shown.count) more") }
        return lines.joined(separator: "\n")
    }

    private static let shownFindings = 40
}
