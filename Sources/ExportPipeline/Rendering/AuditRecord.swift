// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The governance record of one decided command, rendered from its frozen outcome: same outcome, same bytes.
package struct AuditRecord: Sendable, Hashable {
    /// A UUID that follows from the run, so that a repeat is known as one.
    package let recordID: String
    /// Where the bucket sink keeps it: `audit/yyyy/mm/dd/<record_id>.json`, or what the outcome froze.
    package let key: String
    /// One JSON object without a line break.
    package let bytes: [UInt8]

    /// Renders an outcome; `prefix` (ending in `/`) counts only where the outcome froze no key.
    package init(rendering outcome: Outcome, prefix: String = "audit/") {
        recordID = Self.recordID(runID: outcome.runID)
        key = outcome.auditKey ?? Self.key(runID: outcome.runID, timestamp: outcome.timestamp, prefix: prefix)
        bytes = []
    }

    /// The record id of a run: a UUID of version 8 from SHA-256 (see `DerivedIdentifier`).
    package static func recordID(runID: String) -> String {
        DerivedIdentifier.uuid("nlu-export-worker", "audit", runID)
    }

    /// The key of a run's record, for the outcome that is about to be frozen; the date is the timestamp's in UTC.
    package static func key(runID: String, timestamp: Timestamp, prefix: String = "audit/") -> String {
        let day = timestamp.description.prefix(10).split(separator: "-").joined(separator: "/")
        let folder = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
        return "\(folder)\(day)/\(recordID(runID: runID)).json"
    }
}
