// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import Logging

/// The bounds of a publisher.
package struct AMQPPublisherLimits: Sendable, Hashable {
    /// How long `publish` takes at most, waiting for a connection, for the broker's alarm to end, and for the confirm.
    package var timeout = Duration.seconds(30)
    /// Messages written and not confirmed.
    package var maximumOutstanding = 256
    /// Messages waiting to be written; more are refused with `overloaded`.
    package var maximumWaiting = 65_536
    /// RabbitMQ's own limit is 16 MiB by default; it closes the channel over a larger one.
    package var maximumBodyBytes = 16 << 20

    package init() {}
}

/// Publishes with confirms over one connection; a lost one is made again.
///
/// A thread of its own owns the connection. Releasing the last reference stops it.
package final class AMQPPublisher: Sendable {
    /// What happened, the oldest dropped when nobody listens.
    package let events: AsyncStream<AMQPConnectionEvent>

    private let core: PublisherCore
    private let configuration: AMQPConnectionConfiguration
    private let topology: AMQPTopology
    private let limits: AMQPPublisherLimits
    private let logger: Logger

    /// Throws `invalid_configuration` for values that cannot work, `system` without descriptors.
    package init(
        connection: AMQPConnectionConfiguration, topology: AMQPTopology = .none,
        limits: AMQPPublisherLimits = AMQPPublisherLimits(), logger: Logger
    ) throws(AMQPError) {
        try connection.validate()
        guard limits.maximumOutstanding > 0, limits.maximumWaiting > 0 else {
            throw AMQPError(
                .invalidConfiguration, "A publisher needs room for at least one message.", isRetriable: false)
        }
        core = try PublisherCore(maximumWaiting: limits.maximumWaiting)
        events = core.control.events
        configuration = connection
        self.topology = topology
        self.limits = limits
        self.logger = logger
    }

    deinit { core.stop() }

    /// What is known at this moment.
    package var status: AMQPConnectionStatus { core.status }

    /// Tells `listener` of every event from now on, besides `events`: in order, when `status` has changed already, on
    /// the connection's own thread, so it must not block. It is let go of when the publisher ends.
    package func observe(_ listener: @escaping @Sendable (AMQPConnectionEvent) -> Void) {
        core.control.observe(listener)
    }

    /// Makes the connection's thread turn once, at no cost to the broker.
    package func ping() { core.control.wakeUp.signal() }

    /// How often the connection's thread got on; nil while there is none. After a `ping` the number changes soon, or
    /// the thread hangs: it is then in name resolution or in a call that will not return.
    package var turns: UInt64? { core.control.turns }

    /// Connects and serves `publish` until `shutdown`, or until the task is cancelled, which means the same.
    package func run() async {
        let core = core
        if core.control.start() {
            let role = RoleBox { [configuration, topology, limits] in
                PublisherRole(core: core, configuration: configuration, topology: topology, limits: limits)
            }
            role.start(
                name: "amqp-publisher", configuration: configuration, control: core.control, logger: logger
            ) { core.end() }
        }
        await withTaskCancellationHandler {
            await core.control.ended.wait()
        } onCancel: {
            core.stop()
        }
    }

    /// Publishes and waits for the broker's confirm; may be called before `run`.
    ///
    /// Waits while there is no connection or the broker blocks publishers. Throws `nacked`, `connection_lost`,
    /// `confirm_timeout`, `blocked`, `not_connected`, `timeout`, `overloaded` (all retriable, `wasSent` says whether
    /// the broker may have the message), `invalid_message`, `shut_down`, `cancelled`. The time is kept by the
    /// connection's thread: while that is connecting, an answer may come late by the connect timeout.
    package func publish(
        _ message: AMQPMessage, timeout: Duration? = nil
    ) async throws(AMQPError) -> AMQPPublishResult {
        try await core.publish(message, timeout: timeout ?? limits.timeout).get()
    }

    /// Takes no more messages, waits up to five seconds for the confirms of those that were sent, fails the others with
    /// `shut_down` and closes the connection.
    package func shutdown() async {
        core.stop()
        await core.control.ended.wait()
    }
}
