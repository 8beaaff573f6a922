// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The kinds of trouble that a run can make.
package enum FaultKind: String, Sendable, Hashable, CaseIterable {
    case kill
    case zombie
    case drain
    case cut
    case partition
    case auditDisk = "audit-disk"
    case tenantTrouble = "tenant-trouble"
    case tenantRestart = "tenant-restart"
    case brokerConnections = "broker-connections"
    case brokerRestart = "broker-restart"
    case brokerKill = "broker-kill"
    case storeRestart = "store-restart"
    case storeKill = "store-kill"
    case scenarios
    case duplicates

    /// What it does, in one line.
    package var summary: String {
        switch self {
        case .kill: "a worker is killed (SIGKILL) and started again"
        case .zombie:
            "a worker is stopped (SIGSTOP) until its lease is over and its deliveries went to others, and wakes"
        case .drain: "a worker is asked to end (SIGTERM), which it must do in good order, and started again"
        case .cut: "every connection of one worker to broker, store or tenant is closed"
        case .partition: "one worker reaches broker, store, tenant or none of them for a while"
        case .auditDisk: "the disk with a worker's audit file is full for a while"
        case .tenantTrouble: "the tenant answers 503, 401 or nothing, or refuses credentials, for a while"
        case .tenantRestart: "the tenant is gone for a while; it keeps its jobs"
        case .brokerConnections: "the broker closes every connection"
        case .brokerRestart: "RabbitMQ is stopped and started again"
        case .brokerKill: "RabbitMQ is killed (SIGKILL) and started again"
        case .storeRestart: "the object store is stopped and started again"
        case .storeKill: "the object store is killed (SIGKILL) and started again"
        case .scenarios:
            "some commands meet trouble of their own: failing triggers and polls, broken downloads, lost jobs"
        case .duplicates: "some commands are published twice"
        }
    }

    /// The server that somebody has to be able to stop and start for this.
    var service: ServiceControl.Service? {
        switch self {
        case .brokerRestart, .brokerKill: .broker
        case .storeRestart, .storeKill: .store
        default: nil
        }
    }

    /// Concerns every worker at once, and for seconds.
    package var isOutage: Bool { service != nil || self == .tenantRestart || self == .brokerConnections }

    /// Happens to one worker, or to the tenant, again and again while the run goes on.
    package var isDisturbance: Bool {
        switch self {
        case .zombie, .drain, .cut, .partition, .auditDisk, .tenantTrouble: true
        default: false
        }
    }
}
