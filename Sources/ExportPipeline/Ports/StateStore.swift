// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A document of the state store with the version tag that conditional writes name.
package struct StateDocument: Sendable, Hashable {
    package let bytes: [UInt8]
    /// The store's tag of this version (an entity tag).
    package let version: String

    package init(bytes: [UInt8], version: String) {
        self.bytes = bytes
        self.version = version
    }
}

/// What must hold for a write to take place.
package enum WriteCondition: Sendable, Hashable {
    /// The key does not exist (`If-None-Match: *`).
    case absent
    /// The key still holds this version (`If-Match`).
    case version(String)
}

/// How a conditional write ended.
package enum WriteResult: Sendable, Hashable {
    case written(version: String)
    /// The condition did not hold (412, 409, or 404 on `If-Match`).
    case conflict
}

/// Small documents with conditional writes: checkpoints and leases.
package protocol StateStore: Sendable {
    /// The document under `key`, or nil where there is none.
    func read(_ key: String) async throws(StepError) -> StateDocument?
    /// Writes the document if the condition holds. A thrown error says nothing about whether it was written.
    func write(_ bytes: [UInt8], to key: String, if condition: WriteCondition) async throws(StepError) -> WriteResult
    /// Deletes the document; one that is not there counts as deleted.
    func delete(_ key: String) async throws(StepError)
}
