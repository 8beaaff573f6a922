// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `topology`: the exchanges, queues and bindings that the worker needs.
struct Topology: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show or create the exchanges and queues that the worker needs.",
        discussion: HelpText.discussion(
            "The worker declares them by itself unless amqp.declare is false.",
            examples: [
                ("what is there and what would be created", "topology plan --config worker.yaml"),
                ("create what is missing", "topology apply --config worker.yaml"),
            ], exits: Self.exits),
        subcommands: [Plan.self, Apply.self])

    fileprivate static let exits: [WorkerExit] = [
        .success, .usage, .commandFailed, .unavailable, .internal, .refused, .configuration,
    ]

    struct Plan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare what the broker has with what the worker needs; changes nothing.",
            usage: "nlu-export-worker topology plan [<options>]",
            discussion: HelpText.discussion(
                "Names what is missing and which arguments differ.",
                examples: [
                    ("for people", "topology plan --config worker.yaml"),
                    ("for scripts", "topology plan --config worker.yaml --output json"),
                ], exits: Topology.exits))

        @OptionGroup var options: CommonOptions

        func run() async throws {
            try await Invocation.run(options, needs: .broker, isBrief: true) { settings in
                await TopologyCommand.plan(settings: settings, output: options.output)
            }
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create the exchanges, queues and bindings that are missing.",
            usage: "nlu-export-worker topology apply [<options>]",
            discussion: HelpText.discussion(
                "Nothing is deleted or changed: what differs is named, with the remedy.",
                examples: [
                    ("create what is missing", "topology apply --config worker.yaml"),
                    ("for scripts", "topology apply --config worker.yaml --output json"),
                ], exits: Topology.exits))

        @OptionGroup var options: CommonOptions

        func run() async throws {
            try await Invocation.run(options, needs: .broker, isBrief: true) { settings in
                await TopologyCommand.apply(settings: settings, output: options.output)
            }
        }
    }
}
