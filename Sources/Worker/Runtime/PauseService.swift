// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Logging
internal import ServiceLifecycle

/// Follows the operator's pause orders while the worker lives.
struct PauseService: Service {
    let watch: PauseWatch

    func run() async throws { await cancelWhenGracefulShutdown { await watch.run() } }
}

extension DependencyHealth {
    /// Withholds what the orders pause, and believes the refusals of tenants that somebody resumed by name.
    func follow(_ orders: PauseOrders, resumed: Set<String>) {
        var consents: [Dependency: String] = [:]
        consents[.consent(tenant: nil)] = orders.everything.map(Self.reason(of:))
        for (tenant, order) in orders.tenants { consents[.consent(tenant: tenant)] = Self.reason(of: order) }
        withhold(consents)
        for tenant in resumed.sorted() { vouch(for: tenant) }
    }

    private static func reason(of order: PauseOrder) -> String {
        let why = order.reason.map { ": \($0)" } ?? ""
        return "paused by \(order.by) since \(order.at)\(why); nlu-export-worker resume ends it"
    }
}

extension WorkerParts {
    /// The watch that makes `health` follow the pause orders in the bucket.
    func pauseWatch(_ health: DependencyHealth) -> PauseWatch {
        PauseWatch(
            store: state, key: keys.pauseOrders, period: settings.lease.renew, environment: environment
        ) { orders, resumed in
            health.follow(orders, resumed: resumed)
        } onTrouble: { [logger] reason in
            if let reason {
                logger.warning("pause orders cannot be followed", metadata: [LogKey.reason: "\(reason)"])
            } else {
                logger.notice("pause orders can be followed again")
            }
        }
    }
}
