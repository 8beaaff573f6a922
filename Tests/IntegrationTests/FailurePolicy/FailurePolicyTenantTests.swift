// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Testing

/// What a tenant answers about the version, and to the request for an export.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyTenantTests {
    @Test func whatTheVersionsPageSays() async throws {
        try await Stack.play([
            .succeeds("policy-healthy"),
            .succeeds("policy ä+b%2F&c=d?e#f:g;h@i'j ✓"),
            .fails(
                "scenario-model-missing", .modelNotFound, at: .validate, status: 404, says: ["model-missing", "1.0.0"]),
            .fails("scenario-validate-410", .modelNotFound, at: .validate, status: 410),
            .fails("scenario-model-forbidden", .permissionDenied, at: .validate, status: 403),
            .fails("scenario-version-draft", .modelNotTrained, at: .validate, says: ["DRAFT", "TRAINED"]),
            .fails("scenario-version-no-status", .modelNotTrained, at: .validate, says: ["no status"]),
            .fails("scenario-version-number-status", .modelNotTrained, at: .validate, says: ["no status"]),
            .fails(
                "scenario-version-training-then-failed", .modelNotTrained, at: .validate, says: ["FAILED"], looks: 3),
            .succeeds("scenario-version-training-then-trained", looks: 3),
            .fails("scenario-validate-302", .exportRefused, at: .validate, status: 302, looks: 1),
            .fails("scenario-validate-400", .exportRefused, at: .validate, status: 400, looks: 6),
            .succeeds("scenario-validate-500-twice", looks: 3),
            .succeeds("scenario-validate-html-twice", looks: 3),
            .succeeds("scenario-validate-html-502-once", looks: 2),
            .succeeds("scenario-validate-reset-once", looks: 2),
            .succeeds("scenario-validate-close-once", looks: 2),
        ]) { $0["NLU_EXPORT_VALIDATE_TRAINING_WAIT"] = "60s" }
    }

    @Test func trainingThatNeverEnds() async throws {
        let row = PolicyRow.fails("scenario-version-training", .modelNotTrained, at: .validate, says: ["TRAINING"])
        try await Stack.play([row]) { variables in
            variables["NLU_EXPORT_VALIDATE_TRAINING_WAIT"] = "500ms"
        } then: { _, aftermath in
            #expect(aftermath.log.count(.validate, model: row.model) > 1)
        }
    }

    @Test func whatTheExportEndpointRefuses() async throws {
        try await Stack.play([
            .fails("scenario-export-forbidden", .permissionDenied, at: .trigger, status: 403),
            .fails("scenario-trigger-404", .modelNotFound, at: .trigger, status: 404),
            .fails("scenario-trigger-400", .exportRefused, at: .trigger, status: 400),
            .fails("scenario-trigger-409", .exportRefused, at: .trigger, status: 409),
            .fails("scenario-trigger-413", .exportRefused, at: .trigger, status: 413),
            .fails("scenario-trigger-422", .exportRefused, at: .trigger, status: 422),
            .fails("scenario-trigger-302", .exportRefused, at: .trigger, status: 302),
            .fails("policy-format", .exportRefused, at: .trigger, status: 422, says: ["PMML"], format: "PMML"),
        ])
    }

    /// A trigger is repeated with the same key, so that a lost answer costs no second job.
    @Test func aTriggerWithoutAnAnswer() async throws {
        try await Stack.play([
            .succeeds("scenario-trigger-500-twice", triggers: 3),
            .succeeds("scenario-trigger-html-502-once", triggers: 2),
            .succeeds("scenario-trigger-reset-once", triggers: 2),
            .succeeds("scenario-trigger-lost-500-once", triggers: 2),
            .succeeds("scenario-trigger-lost-503-twice", triggers: 3),
            .succeeds("scenario-trigger-lost-reset-once", triggers: 2),
            .succeeds("scenario-trigger-lost-close-once", triggers: 2),
            .succeeds("scenario-trigger-lost-html-once", triggers: 2),
            .succeeds("scenario-trigger-no-job-id-once", triggers: 2),
            .fails("scenario-trigger-500", .exportRefused, at: .trigger, status: 500, triggers: 6),
            .fails("scenario-trigger-lost-503", .exportRefused, at: .trigger, status: 503, jobs: 1, triggers: 6),
            .fails("scenario-trigger-no-job-id", .exportRefused, at: .trigger, status: 202, jobs: 1, triggers: 6),
        ])
    }

    /// Credentials that are refused are no fault of the commands: they wait, and all are carried out once it is mended.
    @Test func aSecretThatIsRefused() async throws {
        let rows: [PolicyRow] = (0..<3).map { .succeeds("policy-patient-\($0)", triggers: 1) }
        try await Stack.run(simulator: .policy) { variables in
            Stack.forTables(&variables)
            variables["NLU_EXPORT_RETRY_MAX_ATTEMPTS"] = "1"
        } _: { stack in
            stack.simulator.tenant.faults.credentialsRefused = true
            let refusals = stack.simulator.requests()
            let aftermath = try await stack.aftermath {
                for row in rows { try await stack.publish(row) }
                var count = 0
                for await request in refusals where request.endpoint == .token {
                    count += 1
                    if count == 10 { break }
                }
                #expect(stack.events.all.isEmpty)
                #expect(try await stack.ready(stack.names.dead) == 0)
                stack.simulator.tenant.faults.credentialsRefused = false
                try await stack.awaitEnds(of: rows, atMost: .seconds(60))
            }
            try await stack.check(rows, aftermath)
            try await stack.checkSecrets(aftermath)
        }
    }

    /// What cannot be got at all: retries go on, in place and over hand-backs, until `retry.maxAttempts` in all.
    @Test func retriesThatAreUsedUp() async throws {
        let row = PolicyRow.fails(
            "scenario-validate-500", .retriesExhausted, at: .validate, status: 500, says: ["12 attempts"], looks: 12)
        try await Stack.play([row]) { variables in
            variables["NLU_EXPORT_RETRY_HOLD_FOR"] = "400ms"
            variables["NLU_EXPORT_RETRY_MAX_ATTEMPTS"] = "12"
        } then: { _, aftermath in
            let settlements = aftermath.logs.lines(of: row.commandID, "delivery settled")
                .compactMap { $0.metadata["settlement"] }
            #expect(settlements.count > 1)
            #expect(settlements.dropLast().allSatisfy { $0 == "requeue" })
        }
    }
}
