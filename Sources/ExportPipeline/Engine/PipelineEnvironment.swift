// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Time, chance and waiting, so that tests and simulations can decide them.
package protocol PipelineEnvironment: Sendable {
    /// Monotonic time since an arbitrary start.
    func now() -> Duration
    /// Wall-clock time.
    func date() -> Timestamp
    /// Uniform in 0..<1.
    func jitter() -> Double
    /// An id that is unique everywhere.
    func uniqueID() -> String
    /// Waits; ends early with an error when the task is cancelled.
    func sleep(_ duration: Duration) async throws(CancellationError)
}

extension PipelineEnvironment {
    /// Everything a state machine may know of this moment.
    package func moment() -> Moment {
        Moment(now: now(), date: date(), jitter: jitter(), uniqueID: uniqueID())
    }
}

/// The real clock, the real dice.
package struct SystemEnvironment: PipelineEnvironment {
    private let start = ContinuousClock.now

    package init() {}

    package func now() -> Duration { ContinuousClock.now - start }

    package func date() -> Timestamp {
        Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }

    package func jitter() -> Double { Double.random(in: 0..<1) }

    /// A UUID of version 4 (RFC 9562 §5.4). Foundation's opens `/dev/urandom` for each, and a run asks at every step.
    package func uniqueID() -> String {
        var dice = SystemRandomNumberGenerator()
        return DerivedIdentifier.uuid(dice.next(), dice.next(), version: 4)
    }

    package func sleep(_ duration: Duration) async throws(CancellationError) {
        do {
            try await Task.sleep(for: duration)
        } catch {
            throw CancellationError()
        }
    }
}
