// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
internal import Synchronization

/// A broker of one worker, in memory: queues that lend their messages as far as the prefetch goes, and take back what is
/// requeued. Every delivery of a message counts.
package final class FakeSource: CommandSource {
    /// A message in its queue, and how it came back.
    package struct Entry: Sendable {
        package let message: IncomingMessage
        package var deliveries = 0
    }

    fileprivate struct State {
        var ready: [String: [Entry]] = [:]
        var lent: [String: Int] = [:]
        var paused: Set<String> = []
        var settled: [String: Settlement] = [:]
        var deliveries: [String: Int] = [:]
        var journal: [String] = []
        var takers: [CheckedContinuation<(any Delivery)?, Never>] = []
        var watchers: [(isDone: @Sendable (FakeSource.View) -> Bool, continuation: CheckedContinuation<Void, Never>)] =
            []
        var hasEnded = false
    }

    /// What a test may ask about.
    package struct View: Sendable {
        /// Messages in the queues, by queue.
        package let ready: [String: Int]
        package let lent: [String: Int]
        package let paused: Set<String>
        /// How messages were settled for good, by message id.
        package let settled: [String: Settlement]
        /// How often each message was delivered, by message id.
        package let deliveries: [String: Int]
        package let journal: [String]
    }

    package let prefetches: [String: Int]
    private let state: Mutex<State>

    package init(prefetches: [String: Int], messages: [String: [IncomingMessage]]) {
        self.prefetches = prefetches
        state = Mutex(State(ready: messages.mapValues { $0.map { Entry(message: $0) } }))
    }

    package var view: View { state.withLock { $0.view } }

    /// Returns once `isDone` holds.
    package func wait(until isDone: @escaping @Sendable (View) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if isDone(state.view) { return true }
                state.watchers.append((isDone, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Delivers nothing more, and ends the intake.
    package func end() { change { $0.hasEnded = true } }

    // MARK: The worker's side

    package func next() async -> (any Delivery)? {
        await withCheckedContinuation { continuation in change { $0.takers.append(continuation) } }
    }

    package func pause(_ queues: Set<String>) async {
        change { state in
            state.paused.formUnion(queues)
            state.journal.append("pause \(queues.sorted().joined(separator: " "))")
        }
    }

    package func resume(_ queues: Set<String>) async {
        change { state in
            state.paused.subtract(queues)
            state.journal.append("resume \(queues.sorted().joined(separator: " "))")
        }
    }

    fileprivate func settle(_ entry: Entry, from queue: String, _ settlement: Settlement) {
        change { state in
            state.lent[queue, default: 0] -= 1
            if settlement == .requeue {
                state.ready[queue, default: []].insert(entry, at: 0)
            } else {
                state.settled[entry.message.messageID ?? ""] = settlement
            }
        }
    }

    // MARK: The broker's side

    private func change(_ body: (inout State) -> Void) {
        var handed: [(CheckedContinuation<(any Delivery)?, Never>, (any Delivery)?)] = []
        let done = state.withLock { state in
            body(&state)
            while !state.takers.isEmpty, let delivery = state.lend(prefetches, self) {
                handed.append((state.takers.removeFirst(), delivery))
            }
            if state.hasEnded {
                handed += state.takers.map { ($0, nil) }
                state.takers = []
            }
            let view = state.view
            let done = state.watchers.filter { $0.isDone(view) }.map(\.continuation)
            state.watchers.removeAll { $0.isDone(view) }
            return done
        }
        for (taker, delivery) in handed { taker.resume(returning: delivery) }
        for continuation in done { continuation.resume() }
    }
}

extension FakeSource.State {
    fileprivate var view: FakeSource.View {
        FakeSource.View(
            ready: ready.mapValues(\.count), lent: lent, paused: paused, settled: settled, deliveries: deliveries,
            journal: journal)
    }

    fileprivate mutating func lend(_ prefetches: [String: Int], _ source: FakeSource) -> (any Delivery)? {
        guard !hasEnded else { return nil }
        for (queue, prefetch) in prefetches.sorted(by: { $0.key < $1.key }) {
            guard !paused.contains(queue), lent[queue, default: 0] < prefetch, ready[queue]?.isEmpty == false else {
                continue
            }
            var entry = ready[queue, default: []].removeFirst()
            entry.deliveries += 1
            deliveries[entry.message.messageID ?? "", default: 0] += 1
            lent[queue, default: 0] += 1
            return FakeLoan(entry: entry, queue: queue, source: source)
        }
        return nil
    }
}

private struct FakeLoan: Delivery {
    let entry: FakeSource.Entry
    let queue: String
    let source: FakeSource

    var message: IncomingMessage {
        var message = entry.message
        message.isRedelivered = entry.deliveries > 1
        message.deliveryCount = entry.deliveries - 1
        return message
    }

    func settle(_ settlement: Settlement) async -> Bool {
        source.settle(entry, from: queue, settlement)
        return true
    }
}
