// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The bounds of a run, from the configuration.
package struct RunPolicy: Sendable, Hashable {
    package var pollInitial: Duration = .seconds(2)
    package var pollMax: Duration = .seconds(30)
    package var jobDeadline: Duration = .seconds(7200)
    package var trainingWait: Duration = .seconds(300)
    package var retryInitial: Duration = .seconds(1)
    package var retryMax: Duration = .seconds(60)
    /// How long a run is held while nothing but retries happens before it is released.
    package var holdFor: Duration = .seconds(1200)
    package var maxAttempts = 20
    package var maxRuns = 3
    package var triggerRepeats = 5
    package var triggerDelay: Duration = .seconds(2)
    /// How often one transfer may be restarted.
    package var transfers = 5
    /// How often a completed job without a usable link is asked again.
    package var linkRepeats = 2
    package var throttleInitial: Duration = .seconds(2)
    package var throttleMax: Duration = .seconds(30)
    package var retryAfterCap: Duration = .seconds(300)
    /// How a watcher looks at a run that another worker owns.
    package var watchInitial: Duration = .seconds(2)
    package var watchMax: Duration = .seconds(30)

    package init() {}
}

/// Exponential back-off with jitter: each delay lies between half of and the whole of a base that doubles.
package struct Backoff: Sendable, Hashable {
    private let initial: Duration
    private let maximum: Duration
    private var exponent = 0

    package init(initial: Duration, maximum: Duration) {
        self.initial = initial
        self.maximum = max(initial, maximum)
    }

    /// The next delay; `jitter` lies in 0..<1.
    package mutating func next(jitter: Double) -> Duration {
        let base = min(maximum, initial * (1 << min(exponent, 30)))
        exponent += 1
        return base / 2 + base / 2 * min(max(jitter, 0), 1)
    }

    package mutating func reset() { exponent = 0 }
}

/// What a state machine may know of the moment in which it is asked: everything that is not a function of its input.
package struct Moment: Sendable, Hashable {
    /// Monotonic time since an arbitrary start of this process.
    package let now: Duration
    package let date: Timestamp
    /// Uniform in 0..<1.
    package let jitter: Double
    /// A fresh unique id, for a nonce or a run.
    package let uniqueID: String

    package init(now: Duration, date: Timestamp, jitter: Double, uniqueID: String) {
        self.now = now
        self.date = date
        self.jitter = jitter
        self.uniqueID = uniqueID
    }
}
