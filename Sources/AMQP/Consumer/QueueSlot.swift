// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Where the consumer of one queue stands. A queue in trouble must not disturb the others: the broker answers a consume
/// of a missing queue by closing the channel, so it is looked for on another connection first.
struct QueueSlot {
    enum State: Equatable {
        /// Not consuming, by intent or because the connection is new.
        case idle
        case consuming
        /// In trouble; to be looked at again then.
        case waiting(until: ContinuousClock.Instant)
        /// A look on another connection is under way; its answer carries that number.
        case probing(number: UInt64)
    }

    let subscription: AMQPSubscription
    private(set) var state = State.idle
    /// The consumer's name while it consumes. Another one each time on the same channel: a quorum queue knows what was
    /// lent by consumer and number, and a queue deleted and declared anew would take the settlement of an old delivery
    /// for that of a new one.
    private(set) var consumerTag: String
    private var schedule: ReconnectSchedule
    private var probes: UInt64 = 0
    /// The last refusal was to consume, which closes the channel for all queues: not to be tried on a whim.
    private var isRefusedToConsume = false

    init(_ subscription: AMQPSubscription, _ configuration: AMQPConnectionConfiguration) {
        self.subscription = subscription
        consumerTag = subscription.consumerTag
        schedule = ReconnectSchedule(initial: configuration.reconnectInitial, maximum: configuration.reconnectMax)
    }

    var isConsuming: Bool { state == .consuming }

    /// When something is to be done without being asked.
    var deadline: ContinuousClock.Instant? {
        if case .waiting(let until) = state { until } else { nil }
    }

    /// Whether a new connection may start this consumer right away.
    func mayStart(at now: ContinuousClock.Instant) -> Bool {
        guard case .waiting(let until) = state else { return true }
        return now >= until || !isRefusedToConsume
    }

    /// A consumer is about to start, the `number`th on this channel of any queue.
    mutating func starts(number: Int) {
        consumerTag = subscription.consumerTag + (number > 0 ? "#\(number)" : "")
    }

    mutating func started(at now: ContinuousClock.Instant) {
        state = .consuming
        isRefusedToConsume = false
        schedule.opened(at: now)
    }

    mutating func stopped() {
        state = .idle
    }

    /// The queue is in trouble, or its consumer was cancelled by the broker.
    mutating func failed(at now: ContinuousClock.Instant, random: Double, refusedToConsume: Bool = false) {
        isRefusedToConsume = refusedToConsume
        state = .waiting(until: now + schedule.failed(at: now, random: random))
    }

    /// Without a connection only the wait for a troubled queue is remembered.
    mutating func disconnected(at now: ContinuousClock.Instant) {
        switch state {
        case .consuming, .idle: state = .idle
        case .probing: state = .waiting(until: now)
        case .waiting: break
        }
    }

    /// A look begins; returns its number.
    mutating func probe() -> UInt64 {
        probes += 1
        state = .probing(number: probes)
        return probes
    }

    /// Whether that answer is the one waited for.
    func awaits(_ number: UInt64) -> Bool {
        state == .probing(number: number)
    }
}
