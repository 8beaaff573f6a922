// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `run`: the worker itself.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the worker until it is told to stop (SIGTERM or SIGINT).",
        usage: "nlu-export-worker run [<options>]",
        discussion: HelpText.discussion(
            """
            Consumes the configured queues. A dependency that is down does not end the worker: it waits, says so on \
            /ready and in its log, and goes on when the dependency is back. On SIGTERM it takes no more commands, \
            finishes transfers within shutdown.grace and hands the rest back to the queue; a second signal ends it at \
            once. A worker of which a part hangs ends by itself with 70, for its supervisor to start again.
            """,
            examples: [
                ("with a configuration file", "run --config /etc/nlu-export-worker/worker.yaml"),
                ("with more to read in the log", "run --config worker.yaml --log-level debug"),
            ], exits: [.success, .usage, .internal, .configuration]))

    @OptionGroup var options: CommonOptions

    func run() async throws {
        try await Invocation.run(options, needs: .everything, isBrief: false) { settings in
            await WorkerProcess.run(settings: settings)
        }
    }
}
