// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What the loop is asked to do.
enum LoopCommand: Sendable {
    case start(Transfer)
    case fill(Transfer, TransferBuffer, Transfer.FillWaiter)
    case cancel(Transfer)
    case stop
}

/// Commands on their way to the loop's thread.
///
/// Bounded by the number of requests held: a request has at most one start, one fill and one cancel in here at a time.
final class Mailbox: Sendable {
    /// What became of a command.
    enum Outcome {
        case taken
        case full
        case closed
    }

    private struct State {
        var commands: [LoopCommand] = []
        var held = 0
        var isLoopAwake = true
        var isClosed = false
    }

    private let state = Mutex(State())
    private let maximumRequests: Int
    private let wake: @Sendable () -> Void

    /// `wake` is called under the lock, so that it is never called after `close` has returned.
    init(maximumRequests: Int, wake: @escaping @Sendable () -> Void) {
        self.maximumRequests = maximumRequests
        self.wake = wake
    }

    /// Puts a command in; a `start` counts as held until the loop releases it.
    func post(_ command: LoopCommand) -> Outcome {
        state.withLock { state in
            guard !state.isClosed else { return .closed }
            if case .start = command {
                guard state.held < maximumRequests else { return .full }
                state.held += 1
            }
            state.commands.append(command)
            if !state.isLoopAwake {
                state.isLoopAwake = true
                wake()
            }
            return .taken
        }
    }

    /// Makes the loop turn once; without effect once it is closed.
    func ping() {
        state.withLock { state in
            guard !state.isClosed, !state.isLoopAwake else { return }
            state.isLoopAwake = true
            wake()
        }
    }

    /// Swaps out what has come; `released` requests are no longer held.
    func drain(into commands: inout [LoopCommand], released: Int) {
        state.withLock { state in
            swap(&state.commands, &commands)
            state.held -= released
            state.isLoopAwake = true
        }
    }

    /// Announces that the loop is about to wait; `false` when there is something to do first. `released` as above.
    func prepareToWait(released: Int) -> Bool {
        state.withLock { state in
            state.held -= released
            state.isLoopAwake = !state.commands.isEmpty
            return state.commands.isEmpty
        }
    }

    /// Takes no more commands from here on; returns those that were still in it.
    func close() -> [LoopCommand] {
        state.withLock { state in
            state.isClosed = true
            defer { state.commands = [] }
            return state.commands
        }
    }
}
