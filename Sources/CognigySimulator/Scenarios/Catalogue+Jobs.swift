// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Catalogue {
    static let versionScenarios = [
        Scenario("healthy", "nothing is wrong", Behaviour()),
        Scenario(
            "model-missing", "the version's page is 404", Behaviour(validate: .init(faults: [Fault(status: 404)]))),
        Scenario(
            "model-forbidden", "the version's page is 403", Behaviour(validate: .init(faults: [Fault(status: 403)]))),
        Scenario("export-forbidden", "the trigger is 403", Behaviour(trigger: .init(faults: [Fault(status: 403)]))),
        Scenario("version-draft", "status DRAFT", Behaviour(validate: .init(steps: [.init("DRAFT")]))),
        Scenario(
            "version-training", "status TRAINING for ever", Behaviour(validate: .init(steps: [.init("TRAINING")]))),
        Scenario(
            "version-training-then-trained", "TRAINING for two looks, then TRAINED",
            Behaviour(validate: .init(steps: [.init("TRAINING", looks: 2), .init("TRAINED")]))),
        Scenario(
            "version-training-2s", "TRAINING for 2 s from the first look, then TRAINED",
            Behaviour(
                validate: .init(steps: [.init("TRAINING", lasts: HumanDuration(.seconds(2))), .init("TRAINED")]))),
        Scenario(
            "version-training-then-failed", "TRAINING for two looks, then FAILED",
            Behaviour(validate: .init(steps: [.init("TRAINING", looks: 2), .init("FAILED")]))),
        Scenario("version-no-status", "no status in the answer", Behaviour(validate: .init(steps: [.init(nil)]))),
        Scenario("version-number-status", "status 7", Behaviour(validate: .init(steps: [.init(7)]))),
    ]

    static let tokenScenarios = [
        Scenario(
            "token-tiny", "tokens live for 1 s (client id)",
            Behaviour(token: .init(lifetime: HumanDuration(.seconds(1))))),
        Scenario(
            "token-short", "tokens live for 30 s (client id)",
            Behaviour(token: .init(lifetime: HumanDuration(.seconds(30))))),
        Scenario(
            "token-no-expires-in", "no expires_in in the answer (client id)",
            Behaviour(token: .init(omitsExpiresIn: true))),
        Scenario(
            "token-zero-expires-in", "expires_in 0, the token good (client id)",
            Behaviour(token: .init(expiresIn: 0))),
        Scenario(
            "token-text-expires-in", "expires_in is the string \"3600\" (client id)",
            Behaviour(token: .init(expiresIn: "3600"))),
        Scenario(
            "token-overstated", "expires_in 3600, in truth 2 s (client id)",
            Behaviour(token: .init(lifetime: HumanDuration(.seconds(2)), expiresIn: 3600))),
    ]

    static let jobScenarios = [
        Scenario(
            "poll-revoked-once", "the second poll is 401 and its token dead; a new one works",
            Behaviour(poll: .init(faults: [Fault(after: 1, times: 1, status: 401, revokesToken: true)]))),
        Scenario(
            "poll-revoked-always", "every poll after the first is 401, whatever the token",
            Behaviour(poll: .init(faults: [Fault(after: 1, status: 401, revokesToken: true)]))),
        Scenario("job-forbidden", "every poll is 403", Behaviour(poll: .init(faults: [Fault(status: 403)]))),
        Scenario(
            "job-failed", "FAILED with an errorMessage",
            Behaviour(poll: .init(outcome: "FAILED", errorMessage: "Export engine ran out of memory"))),
        Scenario("job-failed-silently", "FAILED without an errorMessage", Behaviour(poll: .init(outcome: "FAILED"))),
        Scenario(
            "job-failed-once", "the first job FAILED, later ones are well",
            Behaviour(poll: .init(outcome: "FAILED", errorMessage: "Export engine restarted", jobs: 1))),
        Scenario(
            "job-failed-control-characters", "FAILED, errorMessage with control, escape and bidi characters",
            Behaviour(
                poll: .init(
                    outcome: "FAILED",
                    errorMessage: "line one\r\nline two\u{0}\u{1B}[31mred\u{7F}\u{85}\u{202E}backwards\t\u{FEFF}end"))),
        Scenario(
            "job-failed-long", "FAILED, errorMessage of 10 KiB",
            Behaviour(poll: .init(outcome: "FAILED", errorMessage: String(repeating: "0123456789abcdef", count: 640)))),
        Scenario("job-unknown-status", "ends as ARCHIVED", Behaviour(poll: .init(outcome: "ARCHIVED"))),
        Scenario("job-stuck-pending", "PENDING for ever", Behaviour(poll: .init(stuck: "PENDING"))),
        Scenario("job-stuck-running", "RUNNING for ever", Behaviour(poll: .init(stuck: "RUNNING"))),
        Scenario("job-gone", "every poll is 404", Behaviour(poll: .init(faults: [Fault(status: 404)]))),
        Scenario(
            "job-gone-once", "polls of the first job are 404, later jobs are well",
            Behaviour(poll: .init(faults: [Fault(jobs: 1, status: 404)]))),
        Scenario(
            "job-gone-410-once", "polls of the first job are 410, later jobs are well",
            Behaviour(poll: .init(faults: [Fault(jobs: 1, status: 410)]))),
        Scenario(
            "job-gone-midway-once", "the first job is 404 from the second poll on, later jobs are well",
            Behaviour(poll: .init(faults: [Fault(after: 1, jobs: 1, status: 404)]))),
    ]
}
