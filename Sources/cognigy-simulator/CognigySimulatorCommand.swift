// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import CognigySimulator
internal import Glibc
internal import Logging

/// The command line of the simulator: options in, a running tenant out.
@main
struct CognigySimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cognigy-simulator",
        abstract: "A Cognigy.AI tenant for tests, demos and benchmarks.",
        discussion: """
            Serves the v1 export API on one port and the artifacts' download host on another. Model ids choose what \
            happens: any id is a healthy model, scenario-<name> plays a scenario (--list-scenarios), size-64MiB and \
            takes-5s in an id set the artifact's size and the job's length.

            EXAMPLE
              cognigy-simulator --port 8090 --download-port 8091 --job-duration 2s
              curl -d grant_type=client_credentials -d client_id=simulator-client \\
                -d client_secret=simulator-secret \\
                http://127.0.0.1:8090/api/v1/auth/oauth/token

            ADMIN API (on the API's port)
              GET  /_sim/health     answers when the simulator is up
              GET  /_sim/log        what it has seen
              GET  /_sim/scenarios  the catalogue, and the rules in force
              GET  /_sim/artifact?model=M&version=V   an artifact's size and SHA-256
              POST /_sim/scenarios  {"rules": [{"match": {…}, "behaviour": {…}}]}
              POST /_sim/fault      {"unavailable": true}, "hanging", "tokensRefused" …
              POST /_sim/reset      forget everything but these options
            """)

    @OptionGroup var options: SimulatorOptions

    @Flag(help: "Print the well-known scenarios and exit.")
    var listScenarios = false

    mutating func run() async throws {
        if listScenarios { return Self.printScenarios() }
        let configuration = try options.configuration()
        var logger = Logger(label: "cognigy-simulator") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = options.logLevel
        let signals = StopSignals()
        let simulator = try await start(configuration, logger)
        Self.say("ready: api \(simulator.baseURL) download host \(simulator.downloadBaseURL)")
        await signals.wait()
        await simulator.stop()
    }

    private func start(_ configuration: SimulatorConfiguration, _ logger: Logger) async throws -> Simulator {
        do {
            return try await Simulator.start(configuration, logger: logger)
        } catch {
            let ports = "\(configuration.port) and \(configuration.downloadPort)"
            throw StartError(
                description: "cannot listen on \(configuration.host), ports \(ports): \(error); choose others")
        }
    }

    private static func printScenarios() {
        let width = Catalogue.scenarios.map(\.name.count).max() ?? 0
        for scenario in Catalogue.scenarios {
            let padding = String(repeating: " ", count: width - scenario.name.count + 2)
            say("scenario-\(scenario.name)\(padding)\(scenario.summary)")
        }
        say(FaultGrammar.summary)
    }

    /// Prints a line at once; standard output is buffered when it is a pipe, and whoever waits for "ready" reads one.
    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}

/// Why the simulator did not start.
private struct StartError: Error, CustomStringConvertible {
    let description: String
}
