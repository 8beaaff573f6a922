// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Looks whether a queue can be consumed, on a connection of its own: a refusal closes the channel it was made on.
struct QueueProbe: Sendable {
    let configuration: AMQPConnectionConfiguration
    let topology: AMQPTopology
    let queue: String

    /// Declares the queue and its bindings (or looks for it); nil when all is well. Blocks.
    func run() -> AMQPError? {
        var configuration = configuration
        configuration.connectionName += " (looking for '\(queue)')"
        var endpoints = EndpointOrder(configuration)
        do throws(AMQPError) {
            let session = try Session(endpoint: endpoints.next(), configuration: configuration, maximumBodyBytes: 0)
            defer { session.close() }
            try session.apply(part)
            return nil
        } catch {
            return error
        }
    }

    /// Whether the queue belongs to the connection that declared it.
    var isExclusive: Bool { topology.queues.contains { $0.name == queue && $0.isExclusive } }

    /// The queue alone; one that the topology does not know is only looked for.
    var part: AMQPTopology {
        let known = topology.queues.filter { $0.name == queue }
        guard !known.isEmpty else {
            return AMQPTopology(queues: [AMQPTopology.Queue(name: queue)], mode: .passive)
        }
        return AMQPTopology(
            queues: known, bindings: topology.bindings.filter { $0.queue == queue }, mode: topology.mode)
    }
}
