// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How much work, how many workers, and how much trouble.
package struct ChaosOptions: Sendable {
    /// Commands in all, each published once or twice.
    package var commands = 1000
    /// Worker processes at once.
    package var workers = 4
    /// Between two kills.
    package var killEvery = Duration.seconds(1)
    /// Between two disturbances of a worker or the tenant, on average.
    package var disturbEvery = Duration.milliseconds(1500)
    /// Between two outages of a whole server, on average.
    package var outageEvery = Duration.seconds(12)
    /// Chooses commands, faults, their order and their lengths; the same seed chooses the same.
    package var seed: UInt64 = 1
    package var faults = Set(FaultKind.allCases)
    /// Deliveries in flight for each worker.
    package var prefetch = 16
    /// The share of commands that are published twice.
    package var duplicateShare = 0.1
    /// The share of commands whose jobs take seconds, and so outlive a worker or two.
    package var slowShare = 0.1
    /// How many commands have an artifact that is stored in parts.
    package var largeArtifacts = 8
    /// After this long the run is given up.
    package var timeLimit = Duration.seconds(1200)
    /// The most deliveries that one command may have had in the end.
    package var maximumDeliveries = 100

    package init() {}

    /// When a worker counts as dead. Short, so that take-overs happen by the hundred.
    static let leaseExpiry = Duration.seconds(2)
    static let leaseRenewal = Duration.milliseconds(400)
    static let heartbeat = Duration.seconds(1)
    static let grace = Duration.seconds(5)
}
