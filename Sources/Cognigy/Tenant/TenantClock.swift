// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The two clocks a tenant's client reads, injected so that no test has to wait.
package struct TenantClock: Sendable {
    /// Monotonic time since an arbitrary start; it goes on while the machine sleeps.
    package let now: @Sendable () -> Duration
    /// Wall-clock time in whole seconds since 1970, for comparing with dates that servers name.
    package let wallSeconds: @Sendable () -> Int64
    /// Returns when `now` has reached the moment given; throws `CancellationError` when the task is cancelled.
    package let sleepUntil: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Duration, wallSeconds: @escaping @Sendable () -> Int64,
        sleepUntil: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.wallSeconds = wallSeconds
        self.sleepUntil = sleepUntil
    }

    /// The machine's own clocks.
    package static func system() -> TenantClock {
        let start = ContinuousClock.now
        return TenantClock(
            now: { start.duration(to: .now) },
            wallSeconds: { Int64(Date().timeIntervalSince1970) },
            sleepUntil: { try await Task.sleep(until: start.advanced(by: $0), clock: .continuous) })
    }
}
