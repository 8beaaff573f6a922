// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `dead`: the commands that failed for good.
struct Dead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the dead letters: the commands that failed for good.",
        discussion: HelpText.discussion(
            "Looking leaves every message where it is and in its order, however the look ends.",
            examples: [
                ("all of them, with the reason", "dead list --config worker.yaml"),
                ("everything about the first", "dead show 1 --config worker.yaml"),
            ], exits: Self.exits),
        subcommands: [List.self, Show.self])

    fileprivate static let exits: [WorkerExit] = [
        .success, .usage, .unavailable, .internal, .undecided, .refused, .configuration,
    ]

    /// What every look at the queue has.
    struct LookOptions: ParsableArguments {
        @Flag(help: "Look at messages that the queue will not take back many more times, too.")
        var anyway = false
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the dead letters with the reason each of them died.",
            usage: "nlu-export-worker dead list [<options>]",
            discussion: HelpText.discussion(
                """
                The reason comes from the bucket, from what the worker recorded before it rejected the command. Where \
                the bucket cannot be read the list says so and shows what the messages tell by themselves. A code in \
                parentheses stands where there is no failure: the command was carried out since, is undecided, or \
                was dead-lettered by the broker.
                """,
                examples: [
                    ("the first hundred", "dead list --config worker.yaml"),
                    ("of one tenant, since yesterday", "dead list --tenant acme --newer-than 1d"),
                    ("of one kind, for scripts", "dead list --code model_not_trained --output json"),
                ], exits: Dead.exits))

        @OptionGroup var options: CommonOptions
        @OptionGroup var look: LookOptions

        @Option(help: "Show at most so many.")
        var limit = 100

        @Option(help: ArgumentHelp("Only those of this failure code; may be given several times.", valueName: "code"))
        var code: [String] = []

        @Option(help: ArgumentHelp("Only those of this tenant.", valueName: "name"))
        var tenant: String?

        @Option(help: ArgumentHelp("Only those of this model.", valueName: "id"))
        var model: String?

        @Option(help: ArgumentHelp("Only those dead for longer than this, as 90m or 2d.", valueName: "duration"))
        var olderThan: DurationArgument?

        @Option(help: ArgumentHelp("Only those dead for less than this.", valueName: "duration"))
        var newerThan: DurationArgument?

        var filter: DeadLetterFilter {
            DeadLetterFilter(
                codes: Set(code), tenant: tenant, model: model, olderThan: olderThan?.duration,
                newerThan: newerThan?.duration)
        }

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit is at least 1.") }
            for code in code where !DeadLetterFilter.codes.contains(code) {
                throw ValidationError(
                    "There is no failure code \(code); there are: \(DeadLetterFilter.codes.joined(separator: ", ")).")
            }
        }

        func run() async throws {
            try await Invocation.run(options, needs: .broker, isBrief: true) { settings in
                await DeadCommand.list(
                    settings: settings, filter: filter, limit: limit, isForced: look.anyway, output: options.output)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a whole dead letter: failure, audit record, remedy, message.",
            usage: "nlu-export-worker dead show [<options>] <id-or-position>",
            discussion: HelpText.discussion(
                """
                A number is the position that dead list shows; anything else is what it calls the letter: the id of a \
                command or of a message, or the hash of one without. All dead letters of that id are shown.
                """,
                examples: [
                    ("the third of the list", "dead show 3"),
                    ("a certain command, for scripts", "dead show order-4711 --output json"),
                    ("a command whose id is a number", "dead show --id 4711"),
                ], exits: Dead.exits))

        @OptionGroup var options: CommonOptions
        @OptionGroup var look: LookOptions

        @Flag(help: "The argument is an id, even if it is a number.")
        var id = false

        @Argument(help: "The position in the list, or an id.")
        var idOrPosition: String

        var selector: DeadLetterSelector {
            let isNumber = !id && idOrPosition.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard isNumber, let position = Int(idOrPosition) else { return .id(idOrPosition) }
            return .position(position)
        }

        func validate() throws {
            guard !idOrPosition.isEmpty else { throw ValidationError("Give a position or an id.") }
            if selector == .position(0) { throw ValidationError("Positions are counted from 1.") }
        }

        func run() async throws {
            try await Invocation.run(options, needs: .broker, isBrief: true) { settings in
                await DeadCommand.show(
                    settings: settings, selector: selector, isForced: look.anyway, output: options.output)
            }
        }
    }
}
