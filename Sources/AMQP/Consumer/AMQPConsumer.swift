// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import Logging

/// Consumes queues over one connection, for ever: lost connections are made again, cancelled consumers started again.
///
/// A thread of its own owns the connection. Releasing the last reference stops it.
package final class AMQPConsumer: Sendable {
    /// What the broker lent; never more waits here than the sum of the prefetches, and nothing of a lost connection.
    package let deliveries: AMQPDeliveries
    /// What happened, the oldest dropped when nobody listens.
    package let events: AsyncStream<AMQPConnectionEvent>

    private let core: ConsumerCore
    private let configuration: AMQPConnectionConfiguration
    private let topology: AMQPTopology
    private let subscriptions: [AMQPSubscription]
    private let maximumBodyBytes: Int
    private let logger: Logger

    /// Throws `invalid_configuration` for values that cannot work, `system` without descriptors.
    ///
    /// - Parameters:
    ///   - maximumBodyBytes: Larger bodies are dropped as they arrive and delivered as `isOversized`.
    package init(
        connection: AMQPConnectionConfiguration, topology: AMQPTopology, subscriptions: [AMQPSubscription],
        maximumBodyBytes: Int, logger: Logger
    ) throws(AMQPError) {
        try connection.validate()
        try AMQPConsumer.check(subscriptions)
        let prefetches = subscriptions.reduce(0) { $0 + Int($1.prefetch) }
        core = try ConsumerCore(capacity: prefetches)
        deliveries = AMQPDeliveries(queue: core.deliveries)
        events = core.control.events
        configuration = connection
        self.topology = topology
        self.subscriptions = subscriptions
        self.maximumBodyBytes = max(0, maximumBodyBytes)
        self.logger = logger
    }

    deinit { core.stop() }

    private static func check(_ subscriptions: [AMQPSubscription]) throws(AMQPError) {
        func refuse(_ what: String) -> AMQPError { AMQPError(.invalidConfiguration, what, isRetriable: false) }
        guard !subscriptions.isEmpty else { throw refuse("No queue to consume from.") }
        for subscription in subscriptions {
            guard subscription.prefetch > 0 else {
                throw refuse("The prefetch of '\(subscription.queue)' must be from 1 to 65535; 0 would be no limit.")
            }
            guard (1...AMQPSubscription.maximumTagBytes).contains(subscription.consumerTag.utf8.count),
                (1...255).contains(subscription.queue.utf8.count)
            else {
                throw refuse(
                    "Queue '\(subscription.queue)': its name must have 1 to 255 bytes, its consumer's tag 1 to "
                        + "\(AMQPSubscription.maximumTagBytes).")
            }
        }
        guard Set(subscriptions.map(\.queue)).count == subscriptions.count,
            Set(subscriptions.map(\.consumerTag)).count == subscriptions.count
        else { throw refuse("Every queue needs one subscription and a consumer tag of its own.") }
    }

    /// What is known at this moment.
    package var status: AMQPConnectionStatus { core.status }

    /// Tells `listener` of every event from now on, besides `events`: in order, when `status` has changed already, on
    /// the connection's own thread, so it must not block. It is let go of when the consumer ends.
    package func observe(_ listener: @escaping @Sendable (AMQPConnectionEvent) -> Void) {
        core.control.observe(listener)
    }

    /// Makes the connection's thread turn once, at no cost to the broker.
    package func ping() { core.control.wakeUp.signal() }

    /// How often the connection's thread got on; nil while there is none. After a `ping` the number changes soon, or
    /// the thread hangs: it is then in name resolution or in a call that will not return.
    package var turns: UInt64? { core.control.turns }

    /// Connects and consumes until `shutdown`, or until the task is cancelled, which means the same.
    package func run() async {
        let core = core
        if core.control.start() {
            let role = RoleBox { [configuration, topology, subscriptions, maximumBodyBytes, logger] in
                ConsumerRole(
                    core: core, configuration: configuration, topology: topology, subscriptions: subscriptions,
                    maximumBodyBytes: maximumBodyBytes, logger: logger)
            }
            role.start(
                name: "amqp-consumer", configuration: configuration, control: core.control, logger: logger
            ) { core.end() }
        }
        await withTaskCancellationHandler {
            await core.control.ended.wait()
        } onCancel: {
            core.stop()
        }
    }

    /// Tells the broker what became of a delivery. Returns when it is written; `.stale` and `.disconnected` mean that
    /// the broker gives, or gave, the message to someone again.
    @discardableResult
    package func settle(_ tag: AMQPDeliveryTag, _ how: AMQPSettlement) async -> AMQPSettleResult {
        await core.settle(tag, how)
    }

    /// Stops consuming from these queues (nil: all), over reconnects too, until `resumeConsumers`. What nobody took yet
    /// goes back to the broker; what was taken can still be settled. Returns when the broker has agreed.
    package func cancelConsumers(queues: Set<String>? = nil) async {
        let names = queues ?? Set(subscriptions.map(\.queue))
        await core.pause { $0.formUnion(names) }
    }

    /// Consumes from these queues (nil: all) again.
    package func resumeConsumers(queues: Set<String>? = nil) async {
        let names = queues ?? Set(subscriptions.map(\.queue))
        await core.pause { $0.subtract(names) }
    }

    /// Cancels the consumers, writes the settlements that wait, hands back what nobody took, closes the connection and
    /// ends `deliveries` and `run`. What was taken and not settled goes back to its queue.
    package func shutdown() async {
        core.stop()
        await core.control.ended.wait()
    }
}
