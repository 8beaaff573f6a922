// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CognigySimulator
internal import Foundation

/// The tenant of a run: a simulator in this process that can fail, and go away and come back with all it knew.
package actor TenantHost {
    /// What the tenant can do to everybody at once.
    package enum Trouble: String, Sendable, Hashable, CaseIterable {
        case unavailable = "answers 503"
        case hanging = "does not answer"
        case tokensRefused = "refuses every token"
        case credentialsRefused = "refuses the credentials"
        case tokensRevoked = "has forgotten its tokens"
    }

    private var configuration: SimulatorConfiguration
    private var simulator: Simulator?
    private let tenant: Tenant

    private init(_ simulator: Simulator, _ configuration: SimulatorConfiguration) {
        self.simulator = simulator
        self.configuration = configuration
        self.configuration.port = simulator.port
        self.configuration.downloadPort = simulator.downloadPort
        tenant = simulator.tenant
    }

    /// Starts on free ports below those that the system gives to outgoing connections: one of these could take the port
    /// of a tenant that is away.
    package static func start() async throws -> TenantHost {
        var configuration = SimulatorConfiguration()
        var attempts = 20
        while true {
            configuration.port = Int.random(in: 10_000..<20_000)
            configuration.downloadPort = Int.random(in: 10_000..<20_000)
            do {
                return TenantHost(try await Simulator.start(configuration), configuration)
            } catch {
                attempts -= 1
                if attempts == 0 { throw error }
            }
        }
    }

    var port: Int { configuration.port }
    var clientID: String { configuration.clientID }
    var clientSecret: String { configuration.clientSecret }

    /// Everything the tenant has seen.
    nonisolated var log: SimulatorLog { tenant.log }

    /// Begins or ends trouble of one kind.
    func set(_ trouble: Trouble, _ isOn: Bool) {
        switch trouble {
        case .unavailable: tenant.faults.unavailable = isOn
        case .hanging: tenant.faults.hanging = isOn
        case .tokensRefused: tenant.faults.tokensRefused = isOn
        case .credentialsRefused:
            tenant.faults.credentialsRefused = isOn
            // Nobody would ask for a token while the old one is good.
            if isOn { tenant.revokeTokens() }
        case .tokensRevoked: if isOn { tenant.revokeTokens() }
        }
    }

    func heal() async throws {
        tenant.faults = TenantFaults()
        try await open()
    }

    /// Closes both listeners and every connection.
    package func close() async {
        await simulator?.stop()
        simulator = nil
    }

    /// Listens again, on the same ports; also where the caller was cancelled, as that is how trouble is ended early.
    package func open() async throws {
        guard simulator == nil else { return }
        let (tenant, configuration) = (tenant, configuration)
        simulator = try await Task { try await Simulator.start(tenant, configuration) }.value
    }
}
