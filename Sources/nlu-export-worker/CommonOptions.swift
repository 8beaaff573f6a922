// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// The options that every command has.
struct CommonOptions: ParsableArguments {
    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp(
            "The configuration file (YAML). Environment variables win over it.", valueName: "file"))
    var config: String?

    @Option(help: "How results are written to standard output: text or json.")
    var output: OutputFormat = .text

    @Option(help: "The least severe level that is logged, in place of log.level.")
    var logLevel: Settings.Log.Level?

    /// What is given on the command line in place of settings.
    var overrides: [SettingOverride] {
        logLevel.map { [SettingOverride(key: "log.level", value: $0.rawValue, option: "--log-level")] } ?? []
    }
}

extension OutputFormat: ExpressibleByArgument {}
extension Settings.Log.Level: ExpressibleByArgument {}

/// A duration as an argument: `90s`, `5m`.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }
}
