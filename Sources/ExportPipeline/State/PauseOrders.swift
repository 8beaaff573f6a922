// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An operator's order to pause: who gave it, when, and why.
package struct PauseOrder: Sendable, Hashable, Codable {
    /// `user@host` of whoever gave it; shown to people, never trusted.
    package let by: String
    package let at: Timestamp
    package let reason: String?

    /// The texts are cleaned and cut.
    package init(by: String, at: Timestamp, reason: String? = nil) {
        self.by = RemoteText.cleaned(by, limit: 256)
        self.at = at
        let text = reason.map { RemoteText.cleaned($0, limit: 512) }
        self.reason = text?.isEmpty == true ? nil : text
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            by: try values.decode(String.self, forKey: .by), at: try values.decode(Timestamp.self, forKey: .at),
            reason: try values.decodeIfPresent(String.self, forKey: .reason))
    }
}

/// That somebody ended the pause of a tenant: a pause that a worker opened by itself ends with every new mark.
package struct ResumeMark: Sendable, Hashable, Codable {
    package let by: String
    package let at: Timestamp
    /// Fresh for every resumption; what a worker compares.
    package let nonce: String

    package init(by: String, at: Timestamp, nonce: String) {
        self.by = RemoteText.cleaned(by, limit: 256)
        self.at = at
        self.nonce = nonce
    }
}

/// What operators have paused, for the whole fleet at once: one document of the state store, changed by conditional
/// writes alone (`PauseEditor`) and followed by every worker (`PauseWatch`).
package struct PauseOrders: Sendable, Hashable {
    /// The schema this worker writes; a document with a higher one is left alone.
    package static let currentSchema = 1

    package var schema = PauseOrders.currentSchema
    /// Fresh for every write, so that a writer knows its own write whose answer was lost.
    package var nonce = ""
    /// Nothing is consumed from any queue.
    package var everything: PauseOrder?
    /// The tenants that are paused by name.
    package var tenants: [String: PauseOrder] = [:]
    /// The last resumption of each tenant that was ever resumed by name.
    package var resumed: [String: ResumeMark] = [:]

    /// Nothing is paused.
    package init() {}

    /// Whether anything at all is paused.
    package var isEmpty: Bool { everything == nil && tenants.isEmpty }

    /// The tenants that were resumed by name after `earlier` was written.
    package func resumed(since earlier: PauseOrders) -> Set<String> {
        Set(resumed.filter { $0.value.nonce != earlier.resumed[$0.key]?.nonce }.keys)
    }
}

// MARK: Changes

extension PauseOrders {
    /// Pauses a tenant, or everything where it is nil. One that is paused already keeps its first order.
    package mutating func pause(_ tenant: String?, _ order: PauseOrder) {
        if let tenant {
            tenants[tenant] = tenants[tenant] ?? order
        } else {
            everything = everything ?? order
        }
    }

    /// Ends the pause of everything; tenants that are paused by name stay so.
    package mutating func resumeEverything() { everything = nil }

    /// Ends the pause of a tenant, and that which workers opened for it by themselves.
    package mutating func resume(_ tenant: String, _ mark: ResumeMark) {
        tenants[tenant] = nil
        resumed[tenant] = mark
        while resumed.count > PauseOrdersCodec.maximumTenants,
            let oldest = resumed.min(by: { $0.value.at < $1.value.at })
        {
            resumed[oldest.key] = nil
        }
    }
}

extension PauseOrders: Codable {
    enum CodingKeys: String, CodingKey { case schema, nonce, everything, tenants, resumed }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        schema = try values.decode(Int.self, forKey: .schema)
        nonce = try values.decodeIfPresent(String.self, forKey: .nonce) ?? ""
        everything = try values.decodeIfPresent(PauseOrder.self, forKey: .everything)
        tenants = try values.decodeIfPresent([String: PauseOrder].self, forKey: .tenants) ?? [:]
        resumed = try values.decodeIfPresent([String: ResumeMark].self, forKey: .resumed) ?? [:]
    }
}

/// Reads and writes the document of pause orders.
package enum PauseOrdersCodec {
    /// A longer document is not one of ours.
    package static let maximumBytes = 1 << 20
    /// Tenants in one document, of each kind.
    package static let maximumTenants = 1000

    /// The orders as JSON with sorted keys.
    ///
    /// - Throws: `UnreadableState` where there are more than workers would read.
    package static func encode(_ orders: PauseOrders) throws(UnreadableState) -> [UInt8] {
        try check(orders)
        return try CheckpointCodec.encodeValue(orders)
    }

    /// Reads orders that this or an older program wrote.
    ///
    /// - Throws: `UnreadableState` for a newer schema, and for anything else that is no such document.
    package static func decode(_ bytes: [UInt8]) throws(UnreadableState) -> PauseOrders {
        guard bytes.count <= maximumBytes else {
            throw UnreadableState(
                message: "the pause orders have \(bytes.count) bytes, at most \(maximumBytes) are read")
        }
        let schema = try CheckpointCodec.decodeValue(CheckpointCodec.SchemaOnly.self, bytes).schema
        guard schema <= PauseOrders.currentSchema else {
            throw UnreadableState(
                message: "pause orders of schema \(schema) are newer than \(PauseOrders.currentSchema), which this "
                    + "program knows; use the newer program")
        }
        let orders = try CheckpointCodec.decodeValue(PauseOrders.self, bytes)
        try check(orders)
        return orders
    }

    private static func check(_ orders: PauseOrders) throws(UnreadableState) {
        guard max(orders.tenants.count, orders.resumed.count) <= maximumTenants else {
            throw UnreadableState(message: "the pause orders name more than \(maximumTenants) tenants")
        }
    }
}
