// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `submit`: publishes commands, and follows them if asked to.
struct Submit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish export commands, one from options or many from a file.",
        usage: """
            nlu-export-worker submit [<options>] --model <id> --version <version>
            nlu-export-worker submit [<options>] --from <file>
            """,
        discussion: HelpText.discussion(
            """
            A command is published only when the broker has confirmed it. With --from every line of the file is a \
            JSON object with modelId and version, and optionally format, tenant, commandId and metadata; options \
            given besides hold for the lines that do not say otherwise. With --wait the outcomes are followed on the \
            events exchange and decide the exit code.
            """,
            examples: [
                ("one model", "submit --model intents --version 1.4.0"),
                ("wait for it, at most an hour", "submit --model intents --version 1.4.0 --wait --timeout 1h"),
                ("many, from a file", "submit --from models.jsonl --metadata stage=production"),
                ("many, from a pipe", "submit --from - --output json < models.jsonl"),
            ],
            exits: [.success, .usage, .commandFailed, .unavailable, .internal, .undecided, .refused, .configuration]))

    @OptionGroup var options: CommonOptions
    @OptionGroup(title: "What to export") var fields: SubmissionOptions

    @Option(help: "The queue to publish to; the first of amqp.commands.queues when left out.")
    var queue: String?

    @Option(help: ArgumentHelp("Read commands from a file of JSON lines, - for standard input.", valueName: "file"))
    var from: String?

    @Flag(help: "Wait until every command is decided; with a progress bar on a terminal.")
    var wait = false

    @Option(help: ArgumentHelp("With --wait: give up waiting after this long, as 90s or 1h.", valueName: "duration"))
    var timeout: DurationArgument?

    func validate() throws {
        try fields.validate(from: from)
        if timeout != nil && !wait { throw ValidationError("--timeout only goes together with --wait.") }
    }

    func run() async throws {
        let submissions =
            try from.map { try fields.submissions(from: $0, queue: queue) }
            ?? [fields.submission(queue: queue)]
        let waiting = wait ? WaitOptions(timeout: timeout?.duration) : nil
        try await Invocation.run(options, needs: .broker, isBrief: true) { settings in
            await SubmitCommand.run(
                settings: settings, submissions: submissions, wait: waiting, output: options.output)
        }
    }
}
