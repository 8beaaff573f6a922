// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import CognigySimulator
internal import FoundationEssentials
internal import Logging

/// The options that describe a tenant.
struct SimulatorOptions: ParsableArguments {
    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port of the API; 0 takes a free one.")
    var port = 8090

    @Option(help: "Port of the download host; 0 takes a free one.")
    var downloadPort = 8091

    @Option(help: "Path in front of every API path.")
    var basePath = ""

    @Option(help: "How clients reach the API, if not by the name they put in Host.")
    var publicURL: String?

    @Option(help: "How clients reach the download host, likewise.")
    var publicDownloadURL: String?

    @Option(help: "The service account's id.")
    var clientID = "simulator-client"

    @Option(help: "The service account's secret.")
    var clientSecret = "simulator-secret"

    @Option(help: "A scope the account has; may be repeated. (default: all that exports need)")
    var scope: [String] = []

    @Option(help: "File with rules (JSON).")
    var scenarios: String?

    @Option(help: "How long jobs take.", transform: duration)
    var jobDuration = Duration.seconds(2)

    @Option(help: "How long tokens are good for.", transform: duration)
    var tokenLifetime = Duration.seconds(3600)

    @Option(help: "How long download links are good for.", transform: duration)
    var linkLifetime = Duration.seconds(900)

    @Option(help: "Size of artifacts whose model id names none.", transform: size)
    var artifactSize = ByteSize(1 << 20)

    @Option(help: "Where artifacts are: own, relative (both on the API's origin) or signed (on the download host).")
    var link = LinkBehaviour.Kind.signed

    @Option(help: "Answer 429 beyond so many requests a minute.")
    var requestsPerMinute: Int?

    @Option(help: "trace to critical, on standard error; info shows every request.", transform: level)
    var logLevel = Logger.Level.warning

    /// The configuration that the options describe; reads the scenario file.
    func configuration() throws -> SimulatorConfiguration {
        var configuration = SimulatorConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.downloadPort = downloadPort
        guard basePath.isEmpty || basePath.hasPrefix("/") && !basePath.hasSuffix("/") else {
            throw ValidationError("--base-path begins with / and does not end with one: /tenant-a")
        }
        configuration.basePath = basePath
        configuration.publicURL = publicURL
        configuration.publicDownloadURL = publicDownloadURL
        configuration.clientID = clientID
        configuration.clientSecret = clientSecret
        if !scope.isEmpty { configuration.scopes = scope }
        configuration.jobDuration = jobDuration
        configuration.tokenLifetime = tokenLifetime
        configuration.linkLifetime = linkLifetime
        configuration.artifactSize = artifactSize
        configuration.linkKind = link
        configuration.requestsPerMinute = requestsPerMinute
        if let scenarios { configuration.rules = try Self.rules(inFile: scenarios) }
        return configuration
    }

    private static func rules(inFile path: String) throws -> [Rule] {
        do {
            return try ScenarioFile(json: Array(Data(contentsOf: URL(filePath: path)))).rules
        } catch let error as ScenarioFileError {
            throw ValidationError("\(path): \(error)")
        } catch {
            throw ValidationError("--scenarios: \(path) is not there or cannot be read")
        }
    }
}

extension LinkBehaviour.Kind: ExpressibleByArgument {}

/// Reads a duration option.
private func duration(_ text: String) throws -> Duration {
    guard let value = HumanDuration(text: text) else {
        throw ValidationError("\"\(text)\" is not a duration: write 500ms, 2s, 1m30s or 2h")
    }
    return value.duration
}

/// Reads a size option.
private func size(_ text: String) throws -> ByteSize {
    guard let value = ByteSize(text: text) else {
        throw ValidationError("\"\(text)\" is not a size: write 64MiB, 4KiB or a number of bytes")
    }
    return value
}

/// Reads a log level option.
private func level(_ text: String) throws -> Logger.Level {
    guard let value = Logger.Level(rawValue: text) else {
        throw ValidationError("\"\(text)\" is not a log level")
    }
    return value
}
