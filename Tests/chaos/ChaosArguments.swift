// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import ChaosKit
internal import Foundation

/// How much work and how much trouble.
struct ChaosArguments: ParsableArguments {
    @Option(help: "Commands in each run.")
    var commands = 1000

    @Option(help: "Workers at once.")
    var workers = 4

    @Option(help: "Runs, one after another, each with the next seed.")
    var runs = 1

    @Option(help: "Chooses commands and trouble. (default: drawn, and shown)")
    var seed: UInt64?

    @Option(help: "Between two kills.", transform: duration)
    var killEvery = Duration.seconds(1)

    @Option(help: "Between two disturbances of a worker or the tenant, on average.", transform: duration)
    var disturbEvery = Duration.milliseconds(1500)

    @Option(help: "Between two outages of a server, on average.", transform: duration)
    var outageEvery = Duration.seconds(12)

    @Option(help: "Only these kinds of trouble, separated by commas.", transform: kinds)
    var only: Set<FaultKind>?

    @Option(help: "All kinds of trouble but these.", transform: kinds)
    var without: Set<FaultKind>?

    @Option(help: "Deliveries in flight for each worker.")
    var prefetch = 16

    @Option(help: "Commands whose artifact is stored in parts (17 to 26 MiB).")
    var large = 8

    @Option(help: "The most deliveries one command may have had.")
    var maximumDeliveries = 100

    @Option(help: "A run that takes longer has failed.", transform: duration)
    var timeLimit: Duration?

    @Option(help: "Where logs go; they are kept. (default: a temporary folder)")
    var directory: String?

    func validate() throws {
        for (name, value, range) in [
            ("commands", commands, 1...20_000), ("workers", workers, 1...64), ("runs", runs, 1...1000),
            ("prefetch", prefetch, 1...1000), ("large", large, 0...1000),
            ("maximum-deliveries", maximumDeliveries, 1...1000),
        ] where !range.contains(value) {
            throw ValidationError(
                "--\(name) \(value): give a number from \(range.lowerBound) to \(range.upperBound)")
        }
        if only != nil, without != nil { throw ValidationError("give --only or --without, not both") }
    }

    func options() throws -> ChaosOptions {
        var options = ChaosOptions()
        options.commands = commands
        options.workers = workers
        options.killEvery = killEvery
        options.disturbEvery = disturbEvery
        options.outageEvery = outageEvery
        options.prefetch = prefetch
        options.largeArtifacts = min(large, commands)
        options.maximumDeliveries = maximumDeliveries
        // What takes a minute without trouble may take ten with.
        options.timeLimit = timeLimit ?? .seconds(300 + commands)
        if let only { options.faults = only }
        if let without { options.faults.subtract(without) }
        return options
    }
}

/// Which servers; ops/chaos fills this in.
struct ServerArguments: ParsableArguments {
    @Option(help: "The program nlu-export-worker. (default: beside this one)")
    var worker: String?

    @Option(help: "ops/lib/service, which stops and starts the servers. (default: nobody does)")
    var services: String?

    @Option(help: "The folder of the services' process ids and logs; needed with --services.")
    var serviceDirectory: String?

    @Flag(help: "Mount small disks for audit files: for root in a mount namespace of its own.")
    var mount = false

    func servers() throws -> ChaosServers {
        let environment = ProcessInfo.processInfo.environment
        func variable(_ name: String) throws -> String {
            if let value = environment[name] { return value }
            throw ValidationError("\(name) is not set; start this with ops/chaos")
        }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let beside = URL(filePath: own).deletingLastPathComponent().appending(path: "nlu-export-worker").path
        let program = worker ?? beside
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ValidationError("\(program) is not there; build it, or name another with --worker")
        }
        var servers = ChaosServers(
            brokerURL: try variable("NLU_TEST_AMQP_URL"), storeEndpoint: try variable("NLU_TEST_S3_ENDPOINT"),
            accessKey: try variable("NLU_TEST_S3_ACCESS_KEY"), secretKey: try variable("NLU_TEST_S3_SECRET_KEY"),
            worker: program)
        servers.brokerControl = environment["NLU_TEST_RABBITMQCTL"]
        servers.mayMount = mount
        if let services {
            guard let serviceDirectory else { throw ValidationError("--services needs --service-directory") }
            servers.services = ServiceControl(script: services, directory: serviceDirectory)
            servers.processDirectory = serviceDirectory
        }
        return servers
    }
}

/// Reads a list of kinds.
private func kinds(_ text: String) throws -> Set<FaultKind> {
    let names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    return Set(
        try names.map { name in
            if let kind = FaultKind(rawValue: name) { return kind }
            let known = FaultKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\(name) is no kind of trouble; there are: \(known)")
        })
}

/// Reads a duration: `500ms`, `2s`, `5m`.
private func duration(_ text: String) throws -> Duration {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    let units: [Substring: Double] = ["ms": 0.001, "s": 1, "m": 60, "h": 3600]
    guard let number = Double(digits), number > 0, let unit = units[text.dropFirst(digits.count)] else {
        throw ValidationError("\"\(text)\" is not a duration: write 500ms, 2s or 5m")
    }
    return .seconds(number * unit)
}
