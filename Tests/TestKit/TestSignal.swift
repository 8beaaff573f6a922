// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Something a test waits for: fired once from any thread, awaited by tasks, or by threads that may block.
package final class TestSignal: Sendable {
    private struct State {
        var isFired = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    /// Whether it has been fired.
    package var isFired: Bool { state.withLock { $0.isFired } }

    /// Lets everyone go on; further calls do nothing.
    package func fire() {
        let waiters = state.withLock { state in
            guard !state.isFired else { return [CheckedContinuation<Void, Never>]() }
            state.isFired = true
            defer { state.waiters = [] }
            semaphore.signal()
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once it has been fired.
    package func wait() async {
        await withCheckedContinuation { waiter in
            let isFired = state.withLock { state in
                if !state.isFired { state.waiters.append(waiter) }
                return state.isFired
            }
            if isFired { waiter.resume() }
        }
    }

    /// Blocks the calling thread until it has been fired; for threads of test servers only.
    package func waitBlocking() {
        semaphore.wait()
        semaphore.signal()
    }
}
