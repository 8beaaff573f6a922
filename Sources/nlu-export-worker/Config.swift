// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `config`: what is in effect and where it came from.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the effective configuration and where each value came from.",
        usage: "nlu-export-worker config [<options>]",
        discussion: HelpText.discussion(
            """
            Secrets are redacted. What is wrong with the configuration is told on standard error, all at once. \
            Environment variables win over the file: NLU_EXPORT_ and the name, with dots and capitals turned into \
            underscores (s3.keyTemplate is NLU_EXPORT_S3_KEY_TEMPLATE).

            SETTINGS (with their defaults):
            \(WorkerYAML.help())
            """,
            examples: [
                ("what is in effect", "config --config worker.yaml"),
                ("for scripts", "config --config worker.yaml --output json"),
                ("a file to start from", "config --template > worker.yaml"),
            ], exits: [.success, .usage, .configuration]))

    @OptionGroup var options: CommonOptions

    @Flag(help: "Write a commented configuration file with every setting to standard output instead.")
    var template = false

    func run() async throws {
        if template {
            print(WorkerYAML.render(), terminator: "")
            return
        }
        let report = try Invocation.inspect(options, .everything)
        print(ConfigCommand.render(report, options.output), terminator: "")
        report.warnings.forEach { Invocation.tell("Warning: \($0)\n") }
        report.problems.forEach { Invocation.tell("Error: \($0)\n") }
        try Invocation.end(ConfigCommand.exit(report))
    }
}
