// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import TestKit

/// What one worker reaches the others through: a proxy for each, which can be cut and stalled for this worker alone.
package struct WorkerLinks: Sendable {
    package enum Party: String, Sendable, Hashable, CaseIterable {
        case broker, store, tenant
    }

    private let proxies: [Party: TCPProxy]

    init(ports: [Party: Int]) throws {
        proxies = try ports.mapValues { try TCPProxy(to: $0) }
    }

    /// The port of this worker's way to a party.
    func port(_ party: Party) -> Int { proxies[party]?.port ?? 0 }

    /// Closes the connections that there are.
    func cut(_ party: Party) { proxies[party]?.cut() }

    /// Lets nothing through any more, or goes on where it stopped.
    func stall(_ party: Party, _ isStalled: Bool) { proxies[party]?.stall(isStalled) }

    func close() {
        for proxy in proxies.values { proxy.close() }
    }
}
