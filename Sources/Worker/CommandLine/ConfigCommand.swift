// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// `nlu-export-worker config`: the effective values and where each came from.
package enum ConfigCommand {
    /// The report of values as text or JSON, secrets redacted; ends in a line end.
    package static func render(_ report: SettingsReport, _ format: OutputFormat) -> String {
        switch format {
        case .text: table(report.entries)
        case .json: json(report)
        }
    }

    /// How the command ends: 78 when something is wrong with the configuration.
    package static func exit(_ report: SettingsReport) -> WorkerExit {
        report.problems.isEmpty ? .success : .configuration
    }

    private static func table(_ entries: [EffectiveSetting]) -> String {
        let rows = entries.map { ($0.key, shown($0.value), $0.origin.description) }
        let keys = rows.map { $0.0.count }.max() ?? 0
        // A long value moves its own source to the right, not everybody's.
        let values = min(48, rows.map { $0.1.count }.max() ?? 0)
        let lines = rows.map { "\($0.0.padded(to: keys))  \($0.1.padded(to: values))  \($0.2)" }
        return (["\("KEY".padded(to: keys))  \("VALUE".padded(to: values))  SOURCE"] + lines).joined(separator: "\n")
            + "\n"
    }

    private static func json(_ report: SettingsReport) -> String {
        let settings = report.entries.map { entry in
            "    {\"key\": \(JSONText.quoted(entry.key)), \"value\": \(entry.value.map(JSONText.quoted) ?? "null"), "
                + "\"source\": \(JSONText.quoted(entry.origin.description)), \"secret\": \(entry.isSecret), "
                + "\"variable\": \(JSONText.quoted(entry.variable)), \"allowed\": \(JSONText.quoted(entry.allowed))}"
        }
        let problems = report.problems.map { problem in
            "    {\"key\": \(JSONText.quoted(problem.key)), \"message\": \(JSONText.quoted(problem.description))}"
        }
        let warnings = report.warnings.map { "    \(JSONText.quoted($0))" }
        return """
            {
              "settings": \(list(settings)),
              "problems": \(list(problems)),
              "warnings": \(list(warnings))
            }

            """
    }

    private static func list(_ items: [String]) -> String {
        items.isEmpty ? "[]" : "[\n\(items.joined(separator: ",\n"))\n  ]"
    }

    private static func shown(_ value: String?) -> String { value.map { LogText.clean($0) } ?? "-" }
}
