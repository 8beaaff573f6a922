// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One thing that was looked at and how it stands.
struct DoctorFinding: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case fine
        /// Works, and is worth a look.
        case warning
        /// The worker cannot do its work; how the command ends because of it.
        case failure(WorkerExit)
        /// Not tried, or not to be known.
        case skipped
    }

    let state: State
    /// What was looked at: `store bucket`.
    let subject: String
    /// What was found, in one sentence without secrets.
    let text: String
    /// What to do about it; always there for warnings and failures.
    let remedy: String?

    private init(_ state: State, _ subject: String, _ text: String, _ remedy: String?) {
        self.state = state
        self.subject = LogText.clean(subject, limit: 256)
        self.text = LogText.clean(text)
        self.remedy = remedy.map { LogText.clean($0) }
    }

    static func fine(_ subject: String, _ text: String) -> DoctorFinding { .init(.fine, subject, text, nil) }
    static func skipped(_ subject: String, _ text: String) -> DoctorFinding { .init(.skipped, subject, text, nil) }

    static func warning(_ subject: String, _ text: String, remedy: String) -> DoctorFinding {
        .init(.warning, subject, text, remedy)
    }

    static func failure(_ subject: String, _ text: String, remedy: String, exit: WorkerExit) -> DoctorFinding {
        .init(.failure(exit), subject, text, remedy)
    }

    var isFailure: Bool { if case .failure = state { true } else { false } }
}

/// One attempt at one dependency. It fails by what it finds, never by throwing.
struct DoctorCheck: Sendable {
    let name: String
    /// The checks without which this one has nothing to try: it is skipped when all of them failed.
    let needs: [String]
    let run: @Sendable () async -> [DoctorFinding]
    /// Takes away what a run that did not end in time may have left behind.
    let tidy: (@Sendable () async -> Void)?

    init(
        _ name: String, needs: [String] = [], tidy: (@Sendable () async -> Void)? = nil,
        run: @escaping @Sendable () async -> [DoctorFinding]
    ) {
        self.name = name
        self.needs = needs
        self.tidy = tidy
        self.run = run
    }
}

/// Runs checks one after another, each within its time.
struct DoctorExamination: Sendable {
    /// How long one check may take.
    var limit = Duration.seconds(15)
    /// Injected so that tests need not wait.
    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Tells every finding as soon as there is one, and returns them all.
    func run(_ checks: [DoctorCheck], tell: (DoctorFinding) -> Void) async -> [DoctorFinding] {
        var all: [DoctorFinding] = []
        var unusable: Set<String> = []
        for check in checks {
            let findings: [DoctorFinding]
            if let need = check.needs.first, check.needs.allSatisfy(unusable.contains) {
                findings = [.skipped(check.name, "not tried, because of: \(need)")]
                unusable.insert(check.name)
            } else {
                findings = await self.findings(of: check)
                if findings.contains(where: \.isFailure) { unusable.insert(check.name) }
            }
            findings.forEach(tell)
            all += findings
        }
        return all
    }

    private func findings(of check: DoctorCheck) async -> [DoctorFinding] {
        if let findings = await bounded(check.run) { return findings }
        if let tidy = check.tidy { _ = await bounded(tidy) }
        return [
            .failure(
                check.name, "did not end within \(DurationText.format(limit))",
                remedy: "check the network between here and there, and the load of the other side",
                exit: .unavailable)
        ]
    }

    /// What `work` returns, or nil when the time was over first: then the work is cancelled and not waited for, because
    /// a call into a C library may take its time to notice.
    private func bounded<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value? {
        let race = DoctorRace<Value>()
        let running = Task { race.finish(await work()) }
        let timer = Task { [limit, sleep] in
            do {
                try await sleep(limit)
            } catch {
                return
            }
            race.finish(nil)
        }
        defer {
            running.cancel()
            timer.cancel()
        }
        return await withTaskCancellationHandler {
            await race.outcome()
        } onCancel: {
            race.finish(nil)
        }
    }
}

/// The first of two results.
private final class DoctorRace<Value: Sendable>: Sendable {
    private enum State {
        case open
        case waiting(CheckedContinuation<Value?, Never>)
        case finished(Value?)
    }

    private let state = Mutex(State.open)

    func finish(_ value: Value?) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            switch state {
            case .open: state = .finished(value)
            case .waiting(let continuation):
                state = .finished(value)
                return continuation
            case .finished: break
            }
            return nil
        }
        waiter?.resume(returning: value)
    }

    func outcome() async -> Value? {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Value?? in
                if case .finished(let value) = state { return .some(value) }
                state = .waiting(continuation)
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
