// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import Worker

/// The command line: options in, one entry function of the module Worker called, its exit code out.
@main
struct NLUExportWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nlu-export-worker",
        abstract: "Exports trained NLU models from Cognigy.AI tenants into an S3-compatible bucket.",
        discussion: HelpText.discussion(
            """
            Takes export commands from a RabbitMQ queue, follows each tenant's export job, stores the artifact, \
            writes an audit record, announces the outcome, and only then acknowledges the command.
            """,
            examples: [
                ("check the configuration", "config --config worker.yaml"),
                ("try every dependency in turn", "doctor --config worker.yaml"),
                ("run the worker", "run --config worker.yaml"),
                ("order an export and wait for it", "submit --model intents --version 1.4.0 --wait"),
                ("show the version of this program", "--version"),
            ], exits: WorkerExit.allCases),
        subcommands: [
            Run.self, Submit.self, Export.self, Topology.self, Dead.self, Pause.self, Resume.self, Config.self,
            DoctorCommand.self,
        ])

    /// Whether the program is asked for its own version. Neither ArgumentParser's `version:` nor a flag of this root
    /// will do: subcommands inherit the one and lose their `--version` (of a model) to the other.
    static func isVersionRequest(_ arguments: [String]) -> Bool { arguments == ["--version"] }

    static func main() async {
        // A reader that goes away (`… | head`) is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        guard !isVersionRequest(Array(CommandLine.arguments.dropFirst())) else { return print(WorkerVersion.text) }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }
}
