// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Logging
internal import Synchronization

/// The loop that owns libcurl: takes commands, moves transfers, answers whoever waits.
///
/// Everything but `mailbox`, `ending` and `turns` belongs to the loop's thread. One turn is: take commands, perform,
/// collect what ended, admit who waits, look at what is overdue, wait. Work per turn grows with what has happened, not
/// with what is under way.
final class TransferLoop: @unchecked Sendable {
    /// Easy handles kept for the next request.
    static let pooledHandles = 64

    let mailbox: Mailbox
    let ending = Ending()
    private let turnCount = Atomic<UInt64>(0)
    let configuration: HTTPClientConfiguration
    let logger: Logger

    var multi: MultiHandle
    var gate: AdmissionGate<WebURL.Origin, Transfer>
    /// Every transfer taken and not finished.
    var live: [ObjectIdentifier: Transfer] = [:]
    var pool: [EasyHandle] = []
    var deadlines = DeadlineHeap<Transfer>()
    /// Finished since the last turn.
    var released = 0
    let clock = LoopClock()
    var now: UInt64 { clock.now }
    private var commands: [LoopCommand] = []
    private var isStopping = false
    /// When something was last under way; `nil` when no connection can have been kept since.
    private var usedAt: UInt64?

    init(multi: MultiHandle, configuration: HTTPClientConfiguration, logger: Logger) {
        self.multi = multi
        self.configuration = configuration
        self.logger = logger
        mailbox = Mailbox(maximumRequests: configuration.maximumRequests) { multi.wake() }
        gate = AdmissionGate(
            perKey: configuration.maximumConnectionsPerHost, total: configuration.maximumConnections)
    }

    /// Turns so far; for whoever pings the loop to see whether it hangs.
    var turns: UInt64 { turnCount.load(ordering: .relaxed) }

    /// Runs until told to stop; then nothing of libcurl is left but what others still hold.
    func run() {
        while !isStopping {
            turnCount.wrappingAdd(1, ordering: .relaxed)
            takeCommands()
            multi.perform()
            while let (transfer, result) = multi.nextFinished() { finish(transfer, result) }
            lookAtDeadlines()
            while let transfer = gate.nextReady() { admit(transfer) }
            closeIdleConnections()
            if !isStopping, mayWait() { multi.wait(milliseconds: waitingTime()) }
        }
        stop()
    }

    private func takeCommands() {
        commands.removeAll(keepingCapacity: true)
        mailbox.drain(into: &commands, released: released)
        released = 0
        clock.advance()
        for command in commands { carryOut(command) }
    }

    private func mayWait() -> Bool {
        defer { released = 0 }
        return mailbox.prepareToWait(released: released)
    }

    private func carryOut(_ command: LoopCommand) {
        switch command {
        case .start(let transfer): start(transfer)
        case .fill(let transfer, let buffer, let waiter): fill(transfer, buffer, waiter)
        case .cancel(let transfer): cancel(transfer)
        case .stop: isStopping = true
        }
    }

    private func waitingTime() -> Int32 {
        let idleEnd = live.isEmpty ? usedAt.map { $0 &+ configuration.idleClose.nanoseconds } : nil
        guard let next = [deadlines.next, idleEnd].compactMap({ $0 }).min() else { return 3_600_000 }
        clock.advance()
        guard next > now else { return 0 }
        return Int32(min((next - now) / 1_000_000 + 1, 3_600_000))
    }

    /// libcurl looks at kept connections only when it needs one: an idle client would hold dead ones for ever.
    private func closeIdleConnections() {
        guard live.isEmpty else { return usedAt = now }
        guard let usedAt, now &- usedAt >= configuration.idleClose.nanoseconds else { return }
        self.usedAt = nil
        multi.renew()
        logger.debug("closed the kept connections of an idle HTTP client")
    }

    private func stop() {
        let left = mailbox.close()
        clock.advance()
        for command in left { carryOut(command) }
        for transfer in Array(live.values) { end(transfer, .shutDown) }
        deadlines.removeAll()
        pool.removeAll()
        ending.finish()
    }
}

/// Tells everyone who waits for it that the loop has ended.
final class Ending: Sendable {
    private struct State {
        var isOver = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var isOver: Bool { state.withLock { $0.isOver } }

    /// Returns when the loop has ended.
    func wait() async {
        await withCheckedContinuation { waiter in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiters.append(waiter) }
                return state.isOver
            }
            if isOver { waiter.resume() }
        }
    }

    func finish() {
        let waiters = state.withLock { state in
            state.isOver = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
