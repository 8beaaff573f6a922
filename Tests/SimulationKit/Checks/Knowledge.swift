// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What one process was told by the world, as far as promises rest on it.
struct Knowledge {
    /// Since when a lease has looked the same, and when it was looked at last.
    struct Sighting {
        private var version: String?
        private(set) var first: Instant
        private(set) var last: Instant
        /// When it had last looked the same for long enough.
        private(set) var death: Instant?

        init(_ version: String?, at now: Instant) {
            self.version = version
            first = now
            last = now
        }

        mutating func look(_ version: String?, at now: Instant) {
            if version != self.version { first = now }
            self.version = version
            last = now
            if last - first >= World.leaseExpiry { death = now }
        }

        /// What the process was about to do because of a death, it does after it woke.
        mutating func slept(for duration: Instant) { death = death.map { $0 + duration } }
    }

    /// By lease key.
    var leases: [String: Sighting] = [:]
    /// Runs of which it knows that their job was triggered.
    var triggered: Set<String> = []
    /// When HEAD last found an object as it must be.
    var sound: [String: Instant] = [:]
    /// Objects that HEAD found missing or damaged.
    var damaged: Set<String> = []
    /// When an audit record of a run was last known to be durable, by run and sink.
    var durable: [String: [String: Instant]] = [:]
    /// When the final event of a run was last confirmed.
    var confirmed: [String: Instant] = [:]
    /// When it wrote the decision of a run, or learned that it had.
    var decided: [String: Instant] = [:]
    var knownDecisions: Set<String> = []
    /// A write of it was refused though nothing stood against it.
    var wasRefusedFalsely = false
}
