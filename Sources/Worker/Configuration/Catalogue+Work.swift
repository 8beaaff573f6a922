// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Catalogue {
    /// From a command's check to the end of its tenant's job, and what is done when something fails.
    enum Work {
        static let rows: [SettingDefinition] = [
            trainingWait.definition, pollInitial.definition, pollMax.definition, deadline.definition,
            initial.definition, maximum.definition, holdFor.definition, maxAttempts.definition, maxRuns.definition,
            triggerRepeats.definition, triggerDelay.definition, transfers.definition, renew.definition,
            expiry.definition, suspectAfter.definition,
        ]

        static let trainingWait = SettingKey.duration(
            "validate.trainingWait", Bound.minute * 5, .milliseconds(50)...Bound.day, orZero: true,
            "How long a model that is still being trained is waited for; 0s: not at all.")
        static let pollInitial = SettingKey.duration(
            "job.pollInitial", .seconds(2), .milliseconds(50)...Bound.hour,
            "The wait before a job is asked after for the first time; it grows from there.")
        static let pollMax = SettingKey.duration(
            "job.pollMax", .seconds(30), .milliseconds(50)...Bound.hour, "The longest wait between two such questions.")
        static let deadline = SettingKey.duration(
            "job.deadline", Bound.hour * 2, .seconds(1)...Bound.day * 30,
            "How long a job may take from its trigger, pauses not counted.")
        static let initial = SettingKey.duration(
            "retry.initial", .seconds(1), .milliseconds(10)...Bound.hour,
            "The first wait before a failed step is tried again; it doubles, with jitter.")
        static let maximum = SettingKey.duration(
            "retry.max", Bound.minute, .milliseconds(10)...Bound.hour, "The longest such wait.")
        static let holdFor = SettingKey.duration(
            "retry.holdFor", Bound.minute * 20, .milliseconds(100)...Bound.day * 7,
            "How long a step is tried in place before the command goes back to the queue.")
        static let maxAttempts = SettingKey.integer(
            "retry.maxAttempts", 20, 1...1_000_000,
            "How often a command may go back to the queue before it is given up (retries_exhausted).")
        static let maxRuns = SettingKey.integer(
            "retry.maxRuns", 3, 1...1000,
            "How many runs a command may have when the tenant loses its job or artifact (then export_lost).")
        static let triggerRepeats = SettingKey.integer(
            "retry.triggerRepeats", 5, 0...1000,
            "How often a trigger with a lost or 5xx answer is repeated, with one idempotency key.")
        static let triggerDelay = SettingKey.duration(
            "retry.triggerDelay", .seconds(2), .milliseconds(10)...Bound.hour, "The fixed wait between those repeats.")
        static let transfers = SettingKey.integer(
            "retry.transfers", 5, 0...1000,
            "How often a broken transfer is started again with a fresh link (then artifact_unreadable).")
        static let renew = SettingKey.duration(
            "lease.renew", .seconds(15), .milliseconds(200)...Bound.hour,
            "How often a worker shows in the bucket that it is alive, and looks at the others.")
        static let expiry = SettingKey.duration(
            "lease.expiry", .seconds(60), .milliseconds(500)...Bound.day,
            "After how long without such a sign a worker counts as dead; more than twice lease.renew.")
        static let suspectAfter = SettingKey.integer(
            "health.suspectAfter", 5, 1...10_000,
            "After how many like refusals (403, 404) in a row, of different commands, a tenant is paused.")
    }
}
