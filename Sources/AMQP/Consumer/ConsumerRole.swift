// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Logging

/// A consumer's work on its connection's thread.
final class ConsumerRole: ConnectionRole {
    let maximumBodyBytes: Int
    private let core: ConsumerCore
    private let configuration: AMQPConnectionConfiguration
    private let topology: AMQPTopology
    private let logger: Logger
    private var slots: [QueueSlot]
    private var generation: UInt64 = 0
    /// Restarts of consumers on this channel.
    private var restarts = 0
    /// Consumers the broker cancelled since the last turn.
    private var cancelledTags: [String] = []

    init(
        core: ConsumerCore, configuration: AMQPConnectionConfiguration, topology: AMQPTopology,
        subscriptions: [AMQPSubscription], maximumBodyBytes: Int, logger: Logger
    ) {
        self.core = core
        self.configuration = configuration
        self.topology = topology
        self.maximumBodyBytes = maximumBodyBytes
        self.logger = logger
        slots = subscriptions.map { QueueSlot($0, configuration) }
    }

    var deadline: ContinuousClock.Instant? {
        slots.compactMap(\.deadline).min()
    }

    // MARK: Connecting

    func opened(_ session: Session) throws(AMQPError) {
        cancelledTags = []
        restarts = 0
        try prepare(session)
        generation = core.begin()
        for index in slots.indices where slots[index].state == .idle {
            guard !core.isPaused(slots[index].subscription.queue) else { continue }
            try start(index, session, isRestart: false)
        }
    }

    /// Declares everything. A queue of ours that cannot be declared is put aside; anything else is needed by all.
    private func prepare(_ session: Session) throws(AMQPError) {
        var failures: [String: AMQPError] = [:]
        let passive = topology.mode == .passive
        for exchange in topology.exchanges { try session.declare(exchange, passive: passive) }
        for queue in topology.queues {
            try attempt(queue.name, session, &failures) { () throws(AMQPError) in
                try session.declare(queue, passive: passive)
            }
        }
        for binding in topology.bindings where !passive && failures[binding.queue] == nil {
            try attempt(binding.queue, session, &failures) { () throws(AMQPError) in try session.bind(binding) }
        }
        let now = ContinuousClock.now
        for index in slots.indices {
            if let error = failures[slots[index].subscription.queue] {
                fail(index, error)
            } else if slots[index].state != .idle, slots[index].mayStart(at: now) {
                slots[index].stopped()
            }
        }
        if let error = failures.first?.value, slots.allSatisfy({ failures[$0.subscription.queue] != nil }) {
            throw error
        }
    }

    private func attempt(
        _ queue: String, _ session: Session, _ failures: inout [String: AMQPError],
        _ body: () throws(AMQPError) -> Void
    ) throws(AMQPError) {
        do throws(AMQPError) {
            try body()
        } catch {
            guard error.replyCode != nil, slots.contains(where: { $0.subscription.queue == queue }) else { throw error }
            failures[queue] = error
            // Throws when it was the connection that was closed.
            try session.openChannel()
        }
    }

    private func start(_ index: Int, _ session: Session, isRestart: Bool = true) throws(AMQPError) {
        let subscription = slots[index].subscription
        if isRestart { restarts += 1 }
        slots[index].starts(number: isRestart ? restarts : 0)
        do throws(AMQPError) {
            try session.consume(subscription, consumerTag: slots[index].consumerTag)
        } catch {
            // The channel is gone for all; this queue waits while the others come back.
            if error.replyCode != nil { fail(index, error, refusedToConsume: true) }
            throw error
        }
        slots[index].started(at: .now)
        core.control.emit(.consumerStarted(queue: subscription.queue))
    }

    private func fail(_ index: Int, _ error: AMQPError, refusedToConsume: Bool = false) {
        slots[index].failed(at: .now, random: configuration.random(), refusedToConsume: refusedToConsume)
        core.control.emit(.consumerFailed(queue: slots[index].subscription.queue, error))
    }

    // MARK: Receiving

    func received(_ event: ChannelEvent, _ session: Session) throws(AMQPError) {
        switch event {
        case .content(let content): try deliver(content, session)
        case .consumerCancelled(let consumerTag): cancelledTags.append(consumerTag)
        case .blocked(let reason): core.control.emit(.blocked(reason: reason))
        case .unblocked: core.control.emit(.unblocked)
        case .confirm, .reply:
            throw AMQPError(.protocolViolation, "\(session.broker) answered something nobody asked.")
        }
    }

    private func deliver(_ content: Content, _ session: Session) throws(AMQPError) {
        guard case .delivery(let consumerTag, let deliveryTag, _, _, _) = content.head,
            let slot = slots.first(where: { $0.consumerTag == consumerTag }),
            let delivery = AMQPDelivery(content, queue: slot.subscription.queue, generation: generation)
        else { throw AMQPError(.protocolViolation, "\(session.broker) delivered to a consumer that is not ours.") }
        guard core.note(deliveryTag, queue: delivery.queue) else {
            throw AMQPError(.protocolViolation, "\(session.broker) used a delivery tag twice.")
        }
        guard core.deliveries.push(delivery) else {
            throw AMQPError(.protocolViolation, "\(session.broker) delivered more than the prefetch allows.")
        }
    }

    // MARK: Turning

    func work(_ session: Session) throws(AMQPError) {
        // Before any settlement is written: some may be of a queue that is gone.
        try noteCancelled(session)
        let requests = core.takeRequests()
        defer { for continuation in requests.waiting { continuation.resume() } }
        try write(requests.settlements, session)
        for probe in requests.probes { try finish(probe, session) }
        try reconcile(session)
    }

    private func write(_ settlements: [ConsumerCore.PendingSettlement], _ session: Session) throws(AMQPError) {
        for (index, settlement) in settlements.enumerated() {
            do throws(AMQPError) {
                try session.settle(settlement.tag, settlement.how)
                settlement.continuation.resume(returning: .sent)
            } catch {
                for rest in settlements[index...] { rest.continuation.resume(returning: .disconnected) }
                throw error
            }
        }
    }

    /// A consumer that the broker cancelled starts again when its queue has been looked at. What it was lent and has not
    /// settled costs the channel: the queue was deleted, most often, and what is settled under an old number would hit
    /// a message of the queue that takes its place (RabbitMQ 3.10 and 4.0 do not tell them apart).
    private func noteCancelled(_ session: Session) throws(AMQPError) {
        defer { cancelledTags = [] }
        for tag in cancelledTags {
            guard let index = slots.firstIndex(where: { $0.consumerTag == tag }),
                slots[index].isConsuming
            else { continue }
            let queue = slots[index].subscription.queue
            slots[index].failed(at: .now, random: configuration.random())
            logger.warning("the broker cancelled a consumer", metadata: [LogKey.queue: "\(queue)"])
            core.control.emit(.consumerCancelled(queue: queue, byServer: true))
            try handBack(queue, session)
            guard !core.holds(queue: queue) else {
                throw AMQPError(
                    .consumerCancelled,
                    "\(session.broker) cancelled the consumer of '\(queue)' while deliveries were held: was the queue "
                        + "deleted? The channel is made anew.")
            }
        }
    }

    /// Brings every consumer to where it should be.
    private func reconcile(_ session: Session) throws(AMQPError) {
        let now = ContinuousClock.now
        for index in slots.indices {
            let subscription = slots[index].subscription
            switch (slots[index].state, core.isPaused(subscription.queue)) {
            case (.consuming, true): try stop(index, session)
            case (.waiting, true), (.probing, true): slots[index].stopped()
            case (.idle, false): try probe(index, session)
            case (.waiting(let until), false) where now >= until: try probe(index, session)
            default: break
            }
        }
    }

    private func stop(_ index: Int, _ session: Session) throws(AMQPError) {
        let subscription = slots[index].subscription
        try session.cancel(consumerTag: slots[index].consumerTag)
        slots[index].stopped()
        core.control.emit(.consumerCancelled(queue: subscription.queue, byServer: false))
        try handBack(subscription.queue, session)
    }

    /// What nobody took goes back to the queue at once.
    private func handBack(_ queue: String?, _ session: Session) throws(AMQPError) {
        for delivery in core.deliveries.remove(queue: queue) where core.take(delivery.tag) {
            try session.settle(delivery.tag.tag, .requeue)
        }
    }

    // MARK: Queues in trouble

    private func probe(_ index: Int, _ session: Session) throws(AMQPError) {
        let queue = slots[index].subscription.queue
        let probe = QueueProbe(configuration: configuration, topology: topology, queue: queue)
        if probe.isExclusive {
            // Another connection could not see it, and would own what it declares.
            try session.apply(probe.part)
            return try start(index, session)
        }
        let number = slots[index].probe()
        let core = core
        do throws(AMQPError) {
            try OwnerThread.start(name: "amqp-probe") {
                core.post(ConsumerCore.ProbeResult(queue: queue, number: number, error: probe.run()))
            }
        } catch {
            fail(index, error)
        }
    }

    private func finish(_ probe: ConsumerCore.ProbeResult, _ session: Session) throws(AMQPError) {
        guard let index = slots.firstIndex(where: { $0.subscription.queue == probe.queue }),
            slots[index].awaits(probe.number)
        else { return }
        if let error = probe.error {
            fail(index, error)
        } else if core.isPaused(probe.queue) {
            slots[index].stopped()
        } else {
            try start(index, session)
        }
    }

    // MARK: The end

    func idle() {
        for probe in core.takeRequests().probes {
            guard let index = slots.firstIndex(where: { $0.subscription.queue == probe.queue }) else { continue }
            if slots[index].awaits(probe.number) { slots[index].disconnected(at: .now) }
        }
    }

    func lost(_ error: AMQPError) {
        for index in slots.indices { slots[index].disconnected(at: .now) }
        core.disconnect()
    }

    func finish(_ session: Session) throws(AMQPError) {
        for index in slots.indices where slots[index].isConsuming { try stop(index, session) }
        let requests = core.takeRequests()
        defer { for continuation in requests.waiting { continuation.resume() } }
        try write(requests.settlements, session)
        try handBack(nil, session)
    }

    func ended() { core.end() }
}
