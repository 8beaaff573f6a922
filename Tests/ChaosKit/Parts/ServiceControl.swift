// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import TestKit

/// Stops and starts the servers of a run through `ops/lib/service`.
package struct ServiceControl: Sendable {
    package enum Service: String, Sendable, Hashable {
        case broker = "rabbitmq"
        case store = "seaweedfs"
    }

    /// The script.
    package let script: String
    /// The folder in which the services' commands, logs and process ids are.
    package let directory: String

    package init(script: String, directory: String) {
        self.script = script
        self.directory = directory
    }

    /// Whether a service is one of those that can be stopped and started here.
    func controls(_ service: Service) -> Bool {
        FileManager.default.fileExists(atPath: "\(directory)/\(service.rawValue).command")
    }

    /// Ends a service, at once (SIGKILL) or in good order, and returns when it is gone.
    func stop(_ service: Service, kill: Bool) async throws { try await run(kill ? "kill" : "stop", service) }

    /// Starts a service as it was started the first time; returns before it is ready.
    func start(_ service: Service) async throws { try await run("start", service) }

    private func run(_ verb: String, _ service: Service) async throws {
        let log = "\(directory)/service-control.log"
        let process = try ChildProcess(
            script, [directory, verb, service.rawValue], environment: ProcessInfo.processInfo.environment, log: log)
        let ending = await process.end(atMost: .seconds(60))
        guard ending == .exit(0) else {
            throw ChaosServers.Unusable(
                description: "\(service.rawValue): \(verb) failed (\(ending.map { "\($0)" } ?? "no end")); see \(log)")
        }
    }
}
