// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Where commands come from: the consuming side of the broker.
package protocol CommandSource: Sendable {
    /// The queues that are consumed, and how many deliveries of each may be held at once.
    var prefetches: [String: Int] { get }
    /// The next delivery; nil once the source has ended.
    func next() async -> (any Delivery)?
    /// Stops consuming from these queues; what nobody took yet goes back. Returns when that is carried out.
    func pause(_ queues: Set<String>) async
    /// Consumes from these queues again.
    func resume(_ queues: Set<String>) async
}
