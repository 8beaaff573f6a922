// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// `doctor`: tries every dependency.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Try broker, store and tenants in turn, and name the remedy for what fails.",
        usage: "nlu-export-worker doctor [<options>]",
        discussion: HelpText.discussion(
            "Reads and writes only what the worker itself would, under its own prefixes, and takes it away again.",
            examples: [
                ("for people", "doctor --config worker.yaml"),
                ("for scripts", "doctor --config worker.yaml --output json"),
            ], exits: [.success, .usage, .unavailable, .internal, .refused, .configuration]))

    @OptionGroup var options: CommonOptions

    func run() async throws {
        try await Invocation.run(options, needs: .everything, isBrief: true) { settings in
            await Doctor.run(settings: settings, output: options.output)
        }
    }
}
