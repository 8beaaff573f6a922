// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A place where one worker freezes until it is let go.
package final class FakeGate: Sendable {
    private struct State {
        var isOpen = false
        var isReached = false
        var frozen: CheckedContinuation<Void, Never>?
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Freezes the caller; the first to come only.
    func pass() async {
        await withCheckedContinuation { continuation in
            let (goesOn, waiting) = state.withLock { state in
                let goesOn = state.isOpen || state.isReached
                state.isReached = true
                if !goesOn { state.frozen = continuation }
                defer { state.waiting = nil }
                return (goesOn, state.waiting)
            }
            waiting?.resume()
            if goesOn { continuation.resume() }
        }
    }

    /// Returns once somebody is frozen here.
    package func reached() async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if !state.isReached { state.waiting = continuation }
                return state.isReached
            }
            if isReached { continuation.resume() }
        }
    }

    /// Lets whoever is frozen go on.
    package func open() {
        let frozen = state.withLock { state in
            state.isOpen = true
            defer { state.frozen = nil }
            return state.frozen
        }
        frozen?.resume()
    }
}
