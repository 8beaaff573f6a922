// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline

/// The consuming connection of one process: which deliveries it holds is kept by the consumer's real ledger, so that a
/// tag of an older channel is dropped here as it is there.
final class Subscriber: CommandSource, @unchecked Sendable {
    private let process: Incarnation
    private var ledger = SettlementLedger()
    private var channel: Broker.Channel?
    /// The line was cut, which neither side may have noticed.
    private var isCut = false
    private var waiting: [LentMessage] = []
    private var takers: [Reply<LentMessage?>] = []
    private var paused: Set<Int> = []
    /// Since when each paused queue is.
    private(set) var pausedSince: [String: Instant] = [:]
    private var isShutDown = false

    private var world: World { process.world }

    init(_ process: Incarnation) { self.process = process }

    static func queueName(_ index: Int) -> String { "q\(index)" }

    var prefetches: [String: Int] {
        Dictionary(
            uniqueKeysWithValues: (0..<world.scenario.queues).map { (Self.queueName($0), world.scenario.prefetch) })
    }

    private func indices(_ queues: Set<String>) -> Set<Int> {
        Set((0..<world.scenario.queues).filter { queues.contains(Self.queueName($0)) })
    }

    private var wanted: Set<Int> { Set(0..<world.scenario.queues).subtracting(paused) }

    /// How many deliveries of a queue it holds.
    func held(of queue: String) -> Int { ledger.count(queue: queue) }

    // MARK: The line

    /// Connects, now or as soon as the broker can be reached.
    func connect() {
        process.whenRunning { [self] in
            guard !isShutDown, channel == nil else { return }
            guard world.broker.isUp else {
                return world.after(world.random.between(.second, 10 * .second)) { self.connect() }
            }
            ledger.begin()
            isCut = false
            channel = world.broker.open(self, consuming: wanted)
            world.note("connected", process.number, "\(process.instance)    connected, channel \(ledger.generation)")
        }
    }

    /// The line is cut: both sides find out in their own time.
    func cut() {
        guard let channel, !isCut else { return }
        isCut = true
        world.note("cut", process.number, "\(process.instance)    line to the broker cut")
        let random = { [world] in world.random.between(.millisecond, 30 * .second) }
        world.after(random()) { [world] in world.broker.close(channel) }
        world.after(random()) { [self] in lost(channel) }
    }

    /// The broker closed the channel, or the connection with it.
    func lineBroke(after delay: Instant) {
        guard let channel else { return }
        isCut = true
        world.after(delay) { [self] in lost(channel) }
    }

    /// The broker waited too long for a settlement, though the worker knows how long it waits.
    func heldTooLong(_ message: Message) {
        guard process.condition == .running, world.scenario.knowsConsumerTimeout, !isCut else { return }
        world.checks.fail("consumer-timeout", "\(process.instance) held \(message) for too long")
    }

    /// The process is gone, or heard of no more: the broker finds out in its own time.
    func silenced(after delay: Instant) {
        guard let channel else { return }
        world.after(delay) { [self] in
            guard process.condition != .running else { return }
            isCut = true
            world.broker.close(channel)
            lost(channel)
        }
    }

    private func lost(_ lost: Broker.Channel) {
        process.whenRunning { [self] in
            guard channel === lost else { return }
            ledger.end()
            channel = nil
            waiting = []
            world.note("lost", process.number, "\(process.instance)    notices that its channel is lost")
            world.after(world.random.between(500 * .millisecond, 10 * .second)) { self.connect() }
        }
    }

    func receive(_ message: Message, _ incoming: IncomingMessage, tag: UInt64, on channel: Broker.Channel) {
        guard !isCut else { return }
        process.whenRunning { [self] in
            guard channel === self.channel, ledger.delivered(tag, queue: Subscriber.queueName(message.queue)) else {
                return
            }
            let lent = LentMessage(
                subscriber: self, tag: AMQPDeliveryTag(generation: ledger.generation, tag: tag), identity: message,
                message: incoming, receivedAt: world.clock.now)
            world.note("delivered", message.number, "\(process.instance)    gets \(message), tag \(tag)")
            // What comes after its queue was paused goes back at once.
            if isShutDown || paused.contains(message.queue) { return handBack([lent]) }
            waiting.append(lent)
            serve()
        }
    }

    private func serve() {
        takers.removeAll { !$0.isOpen }
        while !waiting.isEmpty, !takers.isEmpty { takers.removeFirst().send(waiting.removeFirst()) }
    }

    /// The broker ends the consumers of this channel, and with them nothing else; they are started again.
    func cancelledByServer() {
        guard let channel else { return }
        world.broker.consume([], on: channel)
        process.whenRunning { [self] in
            guard channel === self.channel else { return }
            handBack(waiting)
            world.after(world.random.between(.second, 10 * .second)) { self.reconsume() }
        }
    }

    private func reconsume() {
        process.whenRunning { [self] in
            guard let channel, !isCut, !isShutDown else { return }
            world.broker.consume(wanted, on: channel)
        }
    }

    // MARK: What the worker asks for

    func next() async -> (any Delivery)? {
        await process.ask(otherwise: nil) { [self] (reply: Reply<LentMessage?>) in
            guard !isShutDown else { return reply.send(nil) }
            takers.append(reply)
            serve()
        }
    }

    func pause(_ queues: Set<String>) async {
        for queue in queues { pausedSince[queue] = pausedSince[queue] ?? world.clock.now }
        await change { [self] in paused.formUnion(indices(queues)) }
    }

    func resume(_ queues: Set<String>) async {
        for queue in queues { pausedSince[queue] = nil }
        await change { [self] in paused.subtract(indices(queues)) }
    }

    private func change(_ body: @escaping () -> Void) async {
        await process.ask(otherwise: (), isCancellable: false) { [self] (reply: Reply<Void>) in
            body()
            guard let channel, !isCut else { return reply.send(()) }
            world.after(world.random.between(.millisecond, 20 * .millisecond)) { [self] in
                process.whenRunning { [self] in
                    guard channel === self.channel else { return reply.send(()) }
                    world.broker.consume(wanted, on: channel)
                    handBack(waiting.filter { paused.contains($0.identity.queue) })
                    reply.send(())
                }
            }
        }
    }

    /// Closes the connection; what was taken and not settled goes back.
    func shutDown() {
        isShutDown = true
        handBack(waiting)
        if let channel { world.after(20 * .millisecond) { [world] in world.broker.close(channel) } }
        for taker in takers { taker.send(nil) }
        takers = []
    }

    // MARK: Settling

    fileprivate func settle(_ lent: LentMessage, _ how: Settlement) async -> Bool {
        await process.ask(otherwise: false, isCancellable: false) { [self] reply in
            world.checks.settles(lent, how, by: process)
            reply.send(send(lent, how))
        }
    }

    private func handBack(_ lent: [LentMessage]) {
        waiting.removeAll { one in lent.contains { $0.tag == one.tag } }
        for one in lent { _ = send(one, .requeue) }
    }

    /// Writes a settlement to the connection, as far as this side knows that there is one.
    private func send(_ lent: LentMessage, _ how: Settlement) -> Bool {
        let result = ledger.take(lent.tag)
        world.note(
            "settle", lent.identity.number,
            "\(process.instance)    settles \(lent.identity), tag \(lent.tag.tag): \(how), \(result)")
        guard result == .sent else {
            world.seen.add(.staleSettlements)
            return false
        }
        guard let channel else { return false }
        world.after(world.random.between(.millisecond, 20 * .millisecond)) { [self] in
            guard !isCut || channel !== self.channel else { return }
            world.broker.settle(channel, lent.tag.tag, how, expected: lent.identity)
        }
        return true
    }
}

/// A message that the broker lent to a process.
struct LentMessage: Delivery {
    fileprivate let subscriber: Subscriber
    let tag: AMQPDeliveryTag
    let identity: Message
    let message: IncomingMessage
    let receivedAt: Instant

    var queue: String { Subscriber.queueName(identity.queue) }

    func settle(_ settlement: Settlement) async -> Bool { await subscriber.settle(self, settlement) }
}
