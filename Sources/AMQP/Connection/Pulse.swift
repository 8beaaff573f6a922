// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Counts how often a connection's thread gets on: who wakes it and sees no new beat knows that it hangs.
final class Pulse: Sendable {
    private let count = Atomic<UInt64>(0)

    /// Beats so far; wraps.
    var beats: UInt64 { count.load(ordering: .relaxed) }

    /// The thread has come back from something that may block.
    func beat() { count.wrappingAdd(1, ordering: .relaxed) }
}
