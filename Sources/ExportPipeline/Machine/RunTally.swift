// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a run counts and measures while it goes on; all of it bounded by the policy.
struct RunTally: Sendable, Hashable {
    @Boxed private(set) var policy: RunPolicy
    /// Failed attempts in a row without progress.
    var attempts = 0
    /// Failures in a row of the step at hand, for errors with a limit of their own.
    var repeats = 0
    var transfers = 0
    var linkMisses = 0
    var emptyLinks = 0
    var triggerRepeats = 0
    /// Time the tenant has had for the job, pauses and `Retry-After` waits left out.
    var jobElapsed: Duration = .zero
    private var mark: Duration
    private var trainingSince: Duration?
    private var heldSince: Duration?
    private var timeOutSince: Duration?
    private var polls: Backoff
    private var retries: Backoff
    private var throttles: Backoff

    init(@Boxed policy: RunPolicy, moment: Moment) {
        self._policy = $policy
        mark = moment.now
        polls = Backoff(initial: policy.pollInitial, maximum: policy.pollMax)
        retries = Backoff(initial: policy.retryInitial, maximum: policy.retryMax)
        throttles = Backoff(initial: policy.throttleInitial, maximum: policy.throttleMax)
    }

    /// A step brought the run forward: whatever failed before is forgiven.
    mutating func progressed() {
        attempts = 0
        heldSince = nil
        stepSucceeded()
    }

    /// A call went through, though it brought the run no further.
    mutating func stepSucceeded() {
        repeats = 0
        retries.reset()
        throttles.reset()
    }

    /// The clock of the job starts (or starts over) now.
    mutating func startJob(at moment: Moment) {
        jobElapsed = .zero
        transfers = 0
        linkMisses = 0
        emptyLinks = 0
        triggerRepeats = 0
        polls.reset()
        mark = moment.now
    }

    /// Adds the time since the last look to the job's account.
    mutating func accountJobTime(at moment: Moment) {
        jobElapsed += moment.now - mark
        mark = moment.now
    }

    /// Somebody asks for patience from now on.
    mutating func beginTimeOut(at moment: Moment) { timeOutSince = moment.now }

    /// Forgets the time since `beginTimeOut`: no deadline ran meanwhile.
    mutating func skipTime(at moment: Moment) {
        let pause = moment.now - (timeOutSince ?? moment.now)
        timeOutSince = nil
        mark = moment.now
        trainingSince = trainingSince.map { $0 + pause }
        heldSince = heldSince.map { $0 + pause }
    }

    /// The attempts were made on something that is out of order: they count for nothing.
    mutating func forgive() {
        attempts = 0
        repeats = 0
        triggerRepeats = 0
        heldSince = nil
        retries.reset()
    }

    mutating func nextPollDelay(_ moment: Moment) -> Duration { polls.next(jitter: moment.jitter) }
    mutating func nextRetryDelay(_ moment: Moment) -> Duration { retries.next(jitter: moment.jitter) }

    mutating func throttleDelay(_ retryAfter: Duration?, _ moment: Moment) -> Duration {
        if let retryAfter { return min(max(retryAfter, .zero), policy.retryAfterCap) }
        return throttles.next(jitter: moment.jitter)
    }

    /// Whether training may still be waited for.
    mutating func mayWaitForTraining(at moment: Moment) -> Bool {
        let since = trainingSince ?? moment.now
        trainingSince = since
        return moment.now - since < policy.trainingWait
    }

    /// Whether a streak of retries has lasted so long that the run should be released.
    mutating func holdIsUsedUp(at moment: Moment) -> Bool {
        let since = heldSince ?? moment.now
        heldSince = since
        return moment.now - since >= policy.holdFor
    }
}
