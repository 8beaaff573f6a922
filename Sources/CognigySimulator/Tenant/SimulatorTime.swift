// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The simulator's time: elapsed time from any clock, and the calendar time that belongs to it.
package struct SimulatorTime: Sendable {
    /// Time since the simulator began.
    let elapsed: @Sendable () -> Duration
    /// Waits.
    let sleep: @Sendable (Duration) async throws -> Void

    private let unixSecondsAtStart: Double

    /// Takes time from `clock`, and the date at its start from the system.
    package init(clock: some Clock<Duration>) {
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
        unixSecondsAtStart = Date().timeIntervalSince1970
    }

    /// The present moment.
    var now: Moment {
        let elapsed = elapsed()
        return Moment(elapsed: elapsed, unix: unixSecondsAtStart + elapsed.inSeconds)
    }
}

/// A moment on both of the simulator's scales.
struct Moment: Sendable {
    /// Since the simulator began.
    var elapsed: Duration
    /// Seconds since 1970.
    var unix: Double
}
