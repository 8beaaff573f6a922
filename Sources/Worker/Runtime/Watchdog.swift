// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
internal import Logging
internal import ServiceLifecycle
internal import Synchronization

/// A loop that has to prove that it turns.
struct WatchedLoop: Sendable {
    let name: String
    /// How long it may take between two turns: longer than anything that may rightly block it.
    let limit: Duration
    /// Makes it turn, where it does not by itself.
    var ping: @Sendable () -> Void = {}
    /// A number that changes with every turn; nil while there is nothing to be done, or no loop.
    let turns: @Sendable () -> UInt64?
}

/// Ends a process that lives on deaf: one thread, outside the cooperative pool, pings every loop and sees whether it
/// turns. One that does not for too long is named in the log, and the process ends for its supervisor to start anew.
final class Watchdog: Sendable {
    /// A loop that hangs, and for how long it was watched hanging.
    struct Stall: Sendable, Hashable {
        let loop: String
        let duration: Duration
    }

    private struct State {
        var detector: StallDetector
        var isStopped = false
    }

    private let loops: [WatchedLoop]
    private let tick: Duration
    private let onStall: @Sendable (Stall) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - tick: how often the loops are pinged. Five seconds cost next to nothing and are soon enough.
    ///   - onStall: called once, on the watchdog's thread; then the watch is over.
    init(
        _ loops: [WatchedLoop], tick: Duration = .seconds(5), onStall: @escaping @Sendable (Stall) -> Void
    ) {
        self.loops = loops
        self.tick = tick
        self.onStall = onStall
        let limits = loops.map { Int(($0.limit / tick).rounded(.up)) }
        state = Mutex(State(detector: StallDetector(limits: limits)))
    }

    /// A watchdog that says what hangs and ends the process with 70.
    convenience init(_ loops: [WatchedLoop], tick: Duration = .seconds(5), logger: Logger) {
        self.init(loops, tick: tick) { stall in
            LastWords.endProcess(with: WorkerExit.internal.rawValue) {
                logger.critical(
                    "a loop of the worker hangs: the process ends, to be started again",
                    metadata: ["loop": "\(stall.loop)", "stalled.seconds": "\(stall.duration.components.seconds)"])
            }
        }
    }

    /// For how long each loop has not turned, as far as it was watched.
    var quiet: [String: Duration] {
        let ticks = state.withLock { $0.detector.quiet }
        return Dictionary(zip(loops.map(\.name), ticks.map { tick * $0 })) { $1 }
    }

    /// Starts the watch; false where the system gives no thread.
    func start() -> Bool {
        OwnThread.start { [self] in run() }
    }

    /// Ends the watch; its thread goes with the next tick.
    func stop() { state.withLock { $0.isStopped = true } }

    private func run() {
        while true {
            for loop in loops { loop.ping() }
            sleep()
            let readings = loops.map { $0.turns() }
            let (stall, isStopped) = state.withLock { state -> (Stall?, Bool) in
                guard !state.isStopped else { return (nil, true) }
                let stall = state.detector.tick(readings).map { index in
                    Stall(loop: loops[index].name, duration: tick * state.detector.quiet[index])
                }
                return (stall, false)
            }
            if let stall { onStall(stall) }
            if isStopped || stall != nil { return }
        }
    }

    /// One tick, by a clock that stands still with the machine. A signal ends it early, which only makes one tick short.
    private func sleep() {
        let (seconds, attoseconds) = tick.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        _ = unsafe nanosleep(&time, nil)
    }
}

/// Keeps the watch while the services that come after it in the group run: first to start, last to stop.
struct WatchdogService: Service {
    let watchdog: Watchdog
    let logger: Logger

    func run() async throws {
        if !watchdog.start() { logger.error("no thread for the watchdog: nothing ends this process should it hang") }
        do { try await gracefulShutdown() } catch {}
        watchdog.stop()
    }
}

/// A task on the cooperative pool that answers, for the watchdog to see that the pool takes tasks.
final class PoolPulse: Sendable {
    private struct State {
        var answers: UInt64 = 0
        var isAsked = false
    }

    private let state = Mutex(State())

    /// Answers so far.
    var answers: UInt64 { state.withLock { $0.answers } }

    /// Asks for an answer; one question at a time.
    func ask() {
        let mustAsk = state.withLock { state in
            defer { state.isAsked = true }
            return !state.isAsked
        }
        guard mustAsk else { return }
        // At the priority of the worker's own tasks: others have threads of their own.
        Task.detached(priority: .medium) { [self] in
            state.withLock { state in
                state.answers += 1
                state.isAsked = false
            }
        }
    }
}
