// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Ends connections whose thread is stuck in a send: librabbitmq's sends have no deadline, and a broker that does not
/// read (or a network that swallows) would hold the thread for ever. One thread watches all connections.
final class Watchdog: Sendable {
    static let shared = Watchdog()

    /// One watched connection; its owner says when it works, and when it got on.
    final class Guard: Sendable {
        private struct State {
            /// A duplicate: the library may close the owner's descriptor, and its number be used again, at any time.
            /// Nil once released; until then the socket lives on.
            var descriptor: Int32?
            var workingSince: ContinuousClock.Instant?
        }

        fileprivate let limit: Duration
        private let state: Mutex<State>
        private let fired = Atomic<Bool>(false)

        fileprivate init(descriptor: Int32, limit: Duration) {
            self.limit = limit
            state = Mutex(State(descriptor: descriptor))
        }

        /// The owner begins, or gets on with, calls that may block.
        func progress() { state.withLock { $0.workingSince = ContinuousClock.now } }

        /// The owner waits on its own account.
        func rest() { state.withLock { $0.workingSince = nil } }

        /// Whether the connection was ended for being stuck.
        var hasFired: Bool { fired.load(ordering: .acquiring) }

        fileprivate func check(at now: ContinuousClock.Instant) {
            state.withLock { state in
                guard let descriptor = state.descriptor, let since = state.workingSince, now - since >= limit, !hasFired
                else { return }
                fired.store(true, ordering: .releasing)
                shutdown(descriptor, Int32(SHUT_RDWR))
            }
        }

        fileprivate func release() {
            state.withLock { state in
                if let descriptor = state.descriptor { close(descriptor) }
                state.descriptor = nil
            }
        }

        deinit { release() }
    }

    private struct State {
        var guards: [ObjectIdentifier: Guard] = [:]
        var isRunning = false
    }

    private let state = Mutex(State())

    /// Watches a socket until `release`; a turn of its owner longer than `limit` shuts it down.
    func watch(_ socket: Int32, limit: Duration) throws(AMQPError) -> Guard {
        let duplicate = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else {
            throw AMQPError(
                .system, "The connection's descriptor could not be duplicated: raise the limit of open files.")
        }
        let entry = Guard(descriptor: duplicate, limit: limit)
        let mustStart = state.withLock { state in
            state.guards[ObjectIdentifier(entry)] = entry
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart {
            do throws(AMQPError) {
                try OwnerThread.start(name: "amqp-watchdog") { [self] in run() }
            } catch {
                state.withLock { state in
                    state.isRunning = false
                    state.guards[ObjectIdentifier(entry)] = nil
                }
                throw error
            }
        }
        return entry
    }

    /// Stops watching, and lets go of the socket.
    func release(_ entry: Guard) {
        entry.release()
        state.withLock { $0.guards[ObjectIdentifier(entry)] = nil }
    }

    /// Looks four times per shortest limit; ends with the last connection.
    private func run() {
        while let guards = next() {
            let tick = guards.map(\.limit).min().map { $0 / 4 } ?? .seconds(5)
            let pause = min(max(tick, .milliseconds(20)), .seconds(5))
            _ = poll(nil, 0, pause.pollMilliseconds)
            let now = ContinuousClock.now
            for entry in guards { entry.check(at: now) }
        }
    }

    private func next() -> [Guard]? {
        state.withLock { state in
            if state.guards.isEmpty { state.isRunning = false }
            return state.isRunning ? Array(state.guards.values) : nil
        }
    }
}
