// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Testing

/// What becomes of an export job.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyJobTests {
    @Test func whatTheJobsPageSays() async throws {
        try await Stack.play([
            .fails("scenario-job-failed", .exportFailed, at: .poll, says: ["Export engine ran out of memory"]),
            .fails("scenario-job-failed-silently", .exportFailed, at: .poll, says: ["gave no reason"]),
            .fails(
                "scenario-job-failed-control-characters", .exportFailed, at: .poll,
                says: ["line one", "[31mred", "backwards end"]),
            .fails("scenario-job-failed-long", .exportFailed, at: .poll, says: ["0123456789abcdef", "…"]),
            .fails("scenario-job-unknown-status", .unexpectedJobStatus, at: .poll, says: ["ARCHIVED"]),
            .fails("scenario-link-missing", .exportFailed, at: .poll, says: ["COMPLETED", "download URL"]),
            .fails("scenario-link-nonsense", .exportFailed, at: .poll, says: ["COMPLETED", "download URL"]),
            .succeeds("scenario-link-missing-twice"),
            .fails("scenario-poll-400", .exportFailed, at: .poll, status: 400),
            .fails("scenario-job-forbidden", .exportFailed, at: .poll, status: 403),
            .fails("scenario-poll-302", .exportRefused, at: .poll, status: 302),
            .succeeds("scenario-poll-400-twice"),
            .succeeds("scenario-job-gone-once", jobs: 2),
            .succeeds("scenario-job-gone-410-once", jobs: 2),
            .succeeds("scenario-job-gone-midway-once+link-missing-twice", jobs: 2),
            .fails("scenario-job-gone", .exportLost, at: .poll, status: 404, says: ["3 runs"], jobs: 3),
        ])
    }

    /// An error while polling says nothing about the job.
    @Test func pollsThatFail() async throws {
        try await Stack.play([
            .succeeds("scenario-poll-500-twice"),
            .succeeds("scenario-poll-503-x5"),
            .succeeds("scenario-poll-html-twice"),
            .succeeds("scenario-poll-html-502-x3"),
            .succeeds("scenario-poll-reset-twice"),
            .succeeds("scenario-poll-close-twice"),
            .succeeds("scenario-poll-hang-once"),
        ])
    }

    @Test func jobsThatNeverEnd() async throws {
        try await Stack.play([
            .fails("scenario-job-stuck-pending", .jobTimeout, at: .poll, says: ["job.deadline"]),
            .fails("scenario-job-stuck-running", .jobTimeout, at: .poll, says: ["job.deadline"]),
        ]) { $0["NLU_EXPORT_JOB_DEADLINE"] = "1s" }
    }

    /// A token that dies mid-way is replaced once, and the job goes on.
    @Test func aTokenThatDies() async throws {
        let row = PolicyRow.succeeds("scenario-poll-revoked-once+link-missing-twice")
        try await Stack.play(
            [row],
            then: { _, aftermath in
                #expect(aftermath.log.tokensIssued == 2)
                #expect(aftermath.log.answers["poll 401"] == 1)
            })
    }
}
