// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `export`: the pipeline once, without a broker.
struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Export one model version here and now, without a broker.",
        usage: "nlu-export-worker export [<options>] --model <id> --version <version>",
        discussion: HelpText.discussion(
            """
            Runs the same pipeline as the worker, with the same checkpoint, object and audit record, but takes the \
            command from the options and announces nothing. Started again with the same --command-id it goes on \
            where it stopped.
            """,
            examples: [
                ("one model", "export --model intents --version 1.4.0"),
                (
                    "of a certain tenant, for a script",
                    "export --tenant acme --model intents --version 1.4.0 --output json"
                ),
            ],
            exits: [.success, .usage, .commandFailed, .unavailable, .internal, .undecided, .refused, .configuration]))

    @OptionGroup var options: CommonOptions
    @OptionGroup(title: "What to export") var fields: SubmissionOptions

    func validate() throws { try fields.validate(from: nil) }

    func run() async throws {
        let submission = try fields.submission()
        try await Invocation.run(options, needs: [.tenants, .store], isBrief: true) { settings in
            await ExportOnce.run(settings: settings, submission: submission, output: options.output)
        }
    }
}
