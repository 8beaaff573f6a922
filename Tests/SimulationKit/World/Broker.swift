// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// The queues of the broker: at-least-once, prefetch per consumer, a lost channel gives back everything it was lent.
final class Broker {
    /// A consuming channel as the broker sees it.
    final class Channel {
        unowned let subscriber: Subscriber
        fileprivate(set) var isOpen = true
        fileprivate var consuming: Set<Int> = []
        fileprivate var lent: [UInt64: Message] = [:]
        fileprivate var lastTag: UInt64 = 0

        init(_ subscriber: Subscriber) { self.subscriber = subscriber }

        fileprivate func count(_ queue: Int) -> Int { lent.values.reduce(0) { $0 + ($1.queue == queue ? 1 : 0) } }
    }

    unowned let world: World
    private(set) var messages: [Message] = []
    private var ready: [[Message]]
    private var channels: [Channel] = []
    var isUp = true

    init(_ world: World) {
        self.world = world
        ready = Array(repeating: [], count: world.scenario.queues)
    }

    var isDone: Bool { messages.allSatisfy { $0.state == .acknowledged || $0.state == .dead } }

    func publish(command: Int, _ copy: Scenario.Copy, replay: String? = nil) {
        let plan = world.scenario.commands[command]
        let message = Message(
            number: messages.count, command: command, copy: copy, of: plan, replay: replay,
            publishedAt: world.clock.now)
        messages.append(message)
        world.checks.published(message)
        ready[message.queue].append(message)
        world.note("published", message.number, "broker   \(message) published\(replay.map { ", replay \($0)" } ?? "")")
        deliver()
    }

    // MARK: Channels

    func open(_ subscriber: Subscriber, consuming queues: Set<Int>) -> Channel {
        let channel = Channel(subscriber)
        channel.consuming = queues
        channels.append(channel)
        deliver()
        return channel
    }

    /// The channel is gone: everything lent on it goes back.
    func close(_ channel: Channel) {
        guard channel.isOpen else { return }
        channel.isOpen = false
        channels.removeAll { $0 === channel }
        for (_, message) in channel.lent.sorted(by: { $0.key < $1.key }) { giveBack(message) }
        channel.lent = [:]
        deliver()
    }

    func closeAll() { for channel in channels { close(channel) } }

    func consume(_ queues: Set<Int>, on channel: Channel) {
        guard channel.isOpen else { return }
        channel.consuming = queues
        deliver()
    }

    // MARK: Settling

    /// Settles what bears that tag on that channel; `expected` is what the worker meant.
    func settle(_ channel: Channel, _ tag: UInt64, _ how: Settlement, expected: Message) {
        guard channel.isOpen else { return }
        guard let message = channel.lent.removeValue(forKey: tag) else {
            // A tag that the channel does not know: the broker closes it (406).
            world.note("unknown-tag", expected.number, "broker   unknown tag \(tag): channel closed")
            channel.subscriber.lineBroke(after: 0)
            return close(channel)
        }
        if message !== expected {
            world.checks.fail(
                "stale-settlement", "a settlement of \(expected) reached \(message), which has the same tag \(tag)")
        }
        world.note("settled", message.number, "broker   \(message) settled: \(how)")
        switch how {
        case .acknowledge: message.state = .acknowledged
        case .reject:
            message.state = .dead
            world.deadLettered(message)
        case .requeue: giveBack(message)
        }
        deliver()
    }

    private func giveBack(_ message: Message) {
        message.returns += 1
        if message.returns > world.scenario.deliveryLimit {
            message.state = .dead
            return world.checks.fail("delivery-limit", "the broker drops \(message): \(message.returns) returns")
        }
        if message.returns > World.expectedReturns {
            world.checks.fail("returns-bounded", "\(message) went back to its queue \(message.returns) times")
        }
        message.state = .ready
        // Quorum queues give it its old place, or the last, as they see fit.
        if world.random.chance(0.7) {
            ready[message.queue].insert(message, at: 0)
        } else {
            ready[message.queue].append(message)
        }
    }

    // MARK: Delivering

    private func deliver() {
        guard isUp else { return }
        for queue in ready.indices {
            while let message = ready[queue].first {
                let free = channels.filter {
                    $0.consuming.contains(queue) && $0.count(queue) < world.scenario.prefetch
                }
                guard !free.isEmpty else { break }
                ready[queue].removeFirst()
                lend(message, on: world.random.pick(free))
            }
        }
    }

    private func lend(_ message: Message, on channel: Channel) {
        message.state = .lent
        channel.lastTag += 1
        let tag = channel.lastTag
        channel.lent[tag] = message
        let incoming = message.incoming
        world.after(world.random.between(.millisecond, 30 * .millisecond)) {
            channel.subscriber.receive(message, incoming, tag: tag, on: channel)
        }
        world.after(world.scenario.consumerTimeout) { [world] in
            guard channel.isOpen, channel.lent[tag] === message else { return }
            world.note("timeout", message.number, "broker   \(message) held too long: channel closed (406)")
            world.seen.add(.consumerTimeouts)
            channel.subscriber.heldTooLong(message)
            channel.subscriber.lineBroke(after: 0)
            self.close(channel)
        }
    }

    func dispatchAgain() { deliver() }
}

extension Message: CustomStringConvertible {
    var description: String { "message \(number) (c\(command)\(variant == 0 ? "" : "'"))" }
}
