// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Which deliveries of the current channel are not settled yet.
///
/// A delivery tag of an older channel names another message on the new one; here it finds nothing and is counted.
package struct SettlementLedger {
    /// The channel's number, from 1; 0 before the first.
    package private(set) var generation: UInt64 = 0
    /// Whether that channel is still there.
    package private(set) var isOpen = false
    /// Settlements that were dropped.
    package private(set) var staleCount: UInt64 = 0
    private var queues: [UInt64: String] = [:]

    package init() {}

    /// Deliveries this process holds.
    package var count: Int { queues.count }

    /// Deliveries of one queue that this process holds.
    package func count(queue: String) -> Int {
        queues.values.reduce(0) { $0 + ($1 == queue ? 1 : 0) }
    }

    /// The queue of a delivery that is not settled yet.
    func queue(of tag: AMQPDeliveryTag) -> String? {
        tag.generation == generation ? queues[tag.tag] : nil
    }

    /// A new channel is open.
    package mutating func begin() {
        generation += 1
        isOpen = true
        queues.removeAll()
    }

    /// The channel is gone, and with it every tag.
    package mutating func end() {
        isOpen = false
        queues.removeAll()
    }

    /// A delivery came. False when that tag is open already, which no broker does.
    package mutating func delivered(_ tag: UInt64, queue: String) -> Bool {
        queues.updateValue(queue, forKey: tag) == nil
    }

    /// Takes a delivery out for settling: `.sent` means go and write it.
    package mutating func take(_ tag: AMQPDeliveryTag) -> AMQPSettleResult {
        if tag.generation == generation {
            if !isOpen { return .disconnected }
            if queues.removeValue(forKey: tag.tag) != nil { return .sent }
        }
        staleCount += 1
        return .stale
    }
}
