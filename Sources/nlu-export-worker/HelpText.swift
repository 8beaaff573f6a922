// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Worker

/// The parts of a command's help that every command has.
enum HelpText {
    /// The text, then examples (what for, arguments), then what the exit codes tell.
    static func discussion(
        _ text: String, examples: [(purpose: String, arguments: String)], exits: [WorkerExit]
    ) -> String {
        let shown = examples.map { "  # \($0.purpose)\n  nlu-export-worker \($0.arguments)" }.joined(separator: "\n")
        let codes = exits.map { exit in
            let code = String(exit.rawValue)
            return "  \(code)\(String(repeating: " ", count: max(1, 5 - code.count)))\(exit.meaning)"
        }.joined(separator: "\n")
        return "\(text)\n\nEXAMPLES:\n\(shown)\n\nEXIT CODES:\n\(codes)"
    }
}
