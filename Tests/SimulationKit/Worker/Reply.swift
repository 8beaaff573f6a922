// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A call of a worker that is not answered yet.
protocol OpenCall: AnyObject {
    /// The simulation is over: lets whoever waits go.
    func abandon()
}

/// Answers one call of a worker, once, and only while the worker runs: a frozen one finds the answer when it thaws, a
/// dead one never.
final class Reply<Value: Sendable>: OpenCall, @unchecked Sendable {
    private let process: Incarnation
    private let number: Int
    /// What the caller gets where it is cancelled, or the simulation is over.
    private let otherwise: Value
    private var continuation: CheckedContinuation<Value, Never>?

    init(
        _ process: Incarnation, _ number: Int, otherwise: Value, _ continuation: CheckedContinuation<Value, Never>
    ) {
        self.process = process
        self.number = number
        self.otherwise = otherwise
        self.continuation = continuation
    }

    var isOpen: Bool { continuation != nil }

    /// Answers when the worker runs; `first` happens just before, if this is the answer that counts.
    func send(_ value: Value, first: @escaping () -> Void = {}) {
        process.whenRunning { [self] in
            guard isOpen else { return }
            first()
            finish(value)
        }
    }

    func cancel() { send(otherwise) }

    func abandon() { finish(otherwise) }

    private func finish(_ value: Value) {
        guard let continuation else { return }
        self.continuation = nil
        process.closed(number)
        continuation.resume(returning: value)
    }
}
