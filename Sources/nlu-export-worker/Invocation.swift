// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Worker

/// From options to an entry function and from its result to the exit code: the same for every command.
enum Invocation {
    /// Reads the configuration, starts logging, runs `body` and ends the process as it says. A wrong configuration is
    /// told on standard error and ends in 78.
    ///
    /// - Parameter isBrief: a command that ends by itself. It logs from `notice` on, unless a level is configured:
    ///   its result is what people want to see.
    static func run(
        _ options: CommonOptions, needs: SettingsNeeds, isBrief: Bool, _ body: (Settings) async -> WorkerExit
    ) async throws {
        let (report, settings) = try load(options, needs)
        let isLevelChosen = report.entries.contains { $0.key == "log.level" && $0.origin != .byDefault }
        var log = settings.log
        if isBrief && !isLevelChosen { log.level = .notice }
        let writer = LogSetup.start(log)
        report.warnings.forEach { LogSetup.warn($0) }
        let exit = await body(settings)
        writer.close()
        try end(exit)
    }

    /// The configuration as it is, with all its faults.
    static func inspect(_ options: CommonOptions, _ needs: SettingsNeeds) throws -> SettingsReport {
        let request = SettingsRequest(
            file: options.config, environment: ProcessInfo.processInfo.environment, overrides: options.overrides,
            needs: needs)
        do throws(ConfigurationError) { return try Settings.inspect(request) } catch { throw fail(error) }
    }

    /// Ends the process with that code.
    static func end(_ exit: WorkerExit) throws {
        if exit != .success { throw ExitCode(exit.rawValue) }
    }

    /// Says what is wrong on standard error; the error that ends the process with that code.
    static func fail(_ message: String, _ exit: WorkerExit) -> ExitCode {
        Self.tell("Error: \(message)\n")
        return ExitCode(exit.rawValue)
    }

    static func tell(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func load(
        _ options: CommonOptions, _ needs: SettingsNeeds
    ) throws -> (SettingsReport, Settings) {
        let report = try inspect(options, needs)
        do throws(ConfigurationError) { return (report, try report.validated()) } catch { throw fail(error) }
    }

    private static func fail(_ error: ConfigurationError) -> ExitCode { fail(error.description, .configuration) }
}
