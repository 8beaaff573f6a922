// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import HTTPTransport
internal import Logging

/// How long the loops of a worker may stand still, and how often they are looked at.
package struct WatchdogLimits: Sendable, Hashable {
    package var tick = Duration.seconds(5)
    /// A thread that resolves names: with a name server that does not answer, glibc takes up to a minute for one name,
    /// and libcurl waits for it when a transfer is given up. Connecting, TLS and stuck sends take less.
    package var thread = Duration.seconds(150)
    /// The cooperative pool, on which nothing may block at all, and deliveries that nobody takes.
    package var pool = Duration.seconds(60)
    /// A renewal of the lease: what `lease.renew` waits, and twice the time-outs of a store that does not answer.
    package var lease = Duration.seconds(300)

    package init() {}
}

extension Watchdog {
    /// The watch over everything in a worker that could stop turning without anyone noticing.
    convenience init(
        consumer: AMQPConsumer, publisher: AMQPPublisher, http: HTTPClient, lease: LeaseKeeper, leaseRenew: Duration,
        limits: WatchdogLimits = WatchdogLimits(), logger: Logger
    ) {
        let pool = PoolPulse()
        let loops = [
            WatchedLoop(name: "consumer connection", limit: limits.thread) {
                consumer.ping()
            } turns: {
                consumer.turns
            },
            WatchedLoop(name: "publisher connection", limit: limits.thread) {
                publisher.ping()
            } turns: {
                publisher.turns
            },
            WatchedLoop(name: "HTTP transfers", limit: limits.thread) {
                http.ping()
            } turns: {
                http.turns
            },
            WatchedLoop(name: "task pool", limit: limits.pool) {
                pool.ask()
            } turns: {
                pool.answers
            },
            WatchedLoop(name: "dispatch of deliveries", limit: limits.pool) {
                consumer.deliveries.takenWhileOthersWait
            },
            WatchedLoop(name: "lease renewal", limit: limits.lease + leaseRenew) { lease.begun },
        ]
        self.init(loops, tick: limits.tick, logger: logger)
    }
}
