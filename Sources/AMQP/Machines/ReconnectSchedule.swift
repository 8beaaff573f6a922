// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How long to wait before the next attempt: doubles up to a maximum, half of it random, and starts anew only after a
/// connection that lasted (a broker that accepts and drops would otherwise be hammered).
struct ReconnectSchedule {
    private let initial: Duration
    private let maximum: Duration
    private var failures = 0
    private var openedAt: ContinuousClock.Instant?

    init(initial: Duration, maximum: Duration) {
        self.initial = initial
        self.maximum = max(initial, maximum)
    }

    /// The attempt succeeded.
    mutating func opened(at now: ContinuousClock.Instant) {
        openedAt = now
    }

    /// The attempt failed, or what it made is lost; `random` in 0..<1 picks the wait between half and whole.
    mutating func failed(at now: ContinuousClock.Instant, random: Double) -> Duration {
        if let openedAt, now - openedAt >= maximum { failures = 0 }
        openedAt = nil
        var delay = initial
        for _ in 0..<min(failures, 40) where delay < maximum { delay *= 2 }
        failures += 1
        return min(delay, maximum) * (0.5 + random * 0.5)
    }
}
