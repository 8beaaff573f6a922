// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One place that keeps audit records durably.
package protocol AuditSink: Sendable {
    /// A bounded name for logs and metrics, for example `s3` or `file`.
    var name: String { get }
    /// Makes the record durable before it returns. Repeating it with the same record is harmless.
    func write(_ record: AuditRecord) async throws(StepError)
}

/// What became of a confirmed event.
package enum EventRouting: Sendable, Hashable {
    case routed
    /// The broker confirmed the event but no queue was bound to receive it.
    case unroutable
}

/// Announces events and returns only after the broker confirmed them.
package protocol EventPublisher: Sendable {
    func publish(_ event: ExportEvent) async throws(StepError) -> EventRouting
}

/// How a delivery ends.
package enum Settlement: Sendable, Hashable {
    /// The command was carried out: object, audit record and event are durable.
    case acknowledge
    /// The command failed for good; the broker hands it to the dead-letter queue.
    case reject
    /// This worker lets go; the command goes back to its queue.
    case requeue
}

/// A message that the broker lent to this process.
package protocol Delivery: Sendable {
    var message: IncomingMessage { get }
    /// The queue it was lent from.
    var queue: String { get }
    /// Settles the delivery; false where its channel is gone and nothing could be settled (the broker delivers it again).
    func settle(_ settlement: Settlement) async -> Bool
}
