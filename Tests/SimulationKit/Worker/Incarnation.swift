// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Synchronization

/// One process of a worker, from its start to its end.
///
/// The code under test runs between two calls to the outside, and only those can be seen from there. So a process is
/// crashed or frozen at its calls: a dead one gets no answer and sends nothing any more, a frozen one not until it
/// thaws, with everything overdue that was due meanwhile.
final class Incarnation: @unchecked Sendable {
    enum Condition { case running, frozen, dead, exited }

    unowned let world: World
    let host: Int
    let number: Int
    let instance: String
    private(set) var condition = Condition.running
    private var parked: [() -> Void] = []
    private var openCalls: [Int: any OpenCall] = [:]
    private var lastCall = 0
    private var strikes: [Scenario.Strike]
    /// How many calls it has made to the servers.
    private var calls = 0
    var knowledge = Knowledge()

    init(_ world: World, host: Int, number: Int) {
        self.world = world
        self.host = host
        self.number = number
        instance = "w\(host).\(number)"
        strikes = world.weather.isCalm ? [] : world.scenario.strikes(&world.random)
    }

    var isAlive: Bool { condition == .running || condition == .frozen }

    // MARK: Its life

    /// Does it now, or when the process thaws; never once it is dead.
    func whenRunning(_ body: @escaping () -> Void) {
        switch condition {
        case .running: body()
        case .frozen: parked.append(body)
        case .dead, .exited: break
        }
    }

    private var frozenAt: Instant = 0

    func freeze() {
        guard condition == .running else { return }
        condition = .frozen
        frozenAt = world.clock.now
    }

    /// Goes on with whatever became due meanwhile, in any order.
    func thaw() {
        guard condition == .frozen else { return }
        condition = .running
        for lease in knowledge.leases.keys { knowledge.leases[lease]?.slept(for: world.clock.now - frozenAt) }
        var due = parked
        parked = []
        due.shuffle(using: &world.random)
        for body in due { whenRunning(body) }
    }

    func die() {
        condition = .dead
        parked = []
    }

    func exit() {
        if condition == .running { condition = .exited }
    }

    /// The simulation is over: everything that waits is let go, and nothing has any effect any more.
    func abandon() {
        if isAlive { die() }
        for (_, call) in openCalls.sorted(by: { $0.key < $1.key }) { call.abandon() }
    }

    // MARK: Calls

    func closed(_ number: Int) { openCalls[number] = nil }

    /// Asks something of the world: `begin` is called when the process runs, and answers by the reply it gets.
    func ask<Value: Sendable>(
        otherwise: Value, isCancellable: Bool = true, _ begin: @escaping (Reply<Value>) -> Void
    ) async -> Value {
        let box = ReplyBox<Value>()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !world.isOver else { return continuation.resume(returning: otherwise) }
                lastCall += 1
                let reply = Reply(self, lastCall, otherwise: otherwise, continuation)
                openCalls[lastCall] = reply
                if isCancellable {
                    if Task.isCancelled { return reply.cancel() }
                    box.reply = reply
                }
                whenRunning { if reply.isOpen { begin(reply) } }
            }
        } onCancel: {
            box.reply?.cancel()
        }
    }

    /// One call to a server, with whatever fate the weather has for it.
    ///
    /// - Parameters:
    ///   - budget: calls of the same budget meet only so much trouble by chance that no bound of the policy is reached.
    ///   - answered: what the worker knows once it has the answer.
    func call<Value: Sendable>(
        _ server: Server, _ code: StaticString, _ subject: @escaping @autoclosure () -> String,
        budget: Budget? = nil, trouble: @escaping (Trouble) -> StepError,
        answered: @escaping (Value) -> Void = { _ in }, effect: @escaping () -> Result<Value, StepError>
    ) async throws(StepError) -> Value {
        let cancelled = Result<Value, StepError>.failure(StepError(.interrupted, "cancelled"))
        let result = await ask(otherwise: cancelled) { [self] reply in
            calls += 1
            let strike = strikes.first { $0.call == calls }
            let send = { [self] in
                self.send(server, code, subject, budget, strike, trouble, answered, effect, reply)
            }
            guard let strike, strike.phase == .before else { return send() }
            world.strike(self, strike)
            whenRunning(send)
        }
        return try result.get()
    }

    private func send<Value: Sendable>(
        _ server: Server, _ code: StaticString, _ subject: @escaping () -> String, _ budget: Budget?,
        _ strike: Scenario.Strike?, _ trouble: (Trouble) -> StepError, _ answered: @escaping (Value) -> Void,
        _ effect: @escaping () -> Result<Value, StepError>, _ reply: Reply<Result<Value, StepError>>
    ) {
        let fate = world.weather.fate(host, server, budget: budget, &world.random)
        let outcome = Outcome<Value>()
        for delay in fate.effects {
            world.pendingEffects += 1
            world.after(delay) { [self] in
                guard !world.isOver else { return }
                world.pendingEffects -= 1
                let result = effect()
                outcome.result = result
                world.note(code, number, "\(instance)    \(server.name): \(code) \(subject()) → \(brief(result))")
            }
        }
        let error = fate.trouble.map(trouble)
        if let trouble = fate.trouble, !trouble.isThrottling { world.faults += 1 }
        if let error {
            world.note(
                code, -number, "\(instance)    \(server.name): \(code) \(subject()) ✗ \(error) in \(fate.answer.text)s")
        }
        world.after(fate.answer) { [self] in
            let result = error.map(Result.failure) ?? outcome.result
            guard let result else { return }
            if let strike, strike.phase == .onAnswer { world.strike(self, strike) }
            reply.send(result) { if case .success(let value) = result { answered(value) } }
        }
        if let strike, strike.phase == .inFlight { world.strike(self, strike) }
    }

    private final class Outcome<Value> { var result: Result<Value, StepError>? }
}

/// Hands a reply to the cancellation handler of the task that waits for it.
private final class ReplyBox<Value: Sendable>: @unchecked Sendable { var reply: Reply<Value>? }

private func brief<Value>(_ result: Result<Value, StepError>) -> String {
    switch result {
    case .success(let value): value is Void ? "done" : String("\(value)".prefix(160))
    case .failure(let error): "\(error.kind)"
    }
}
