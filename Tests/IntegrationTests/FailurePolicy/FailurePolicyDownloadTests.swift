// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import Testing

/// Artifacts on their way: what comes through damaged, late, too large, or not at all.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyDownloadTests {
    private static let mebibyte = 1 << 20

    /// Half of a large artifact is more than two parts: a multipart upload has begun when it breaks.
    @Test func damageThatPasses() async throws {
        try await Stack.play([
            .succeeds("scenario-artifact-empty-once"),
            .succeeds("scenario-artifact-truncated-once"),
            .succeeds("scenario-artifact-truncated-twice-size-36MiB", size: 36 * Self.mebibyte),
            .succeeds("scenario-artifact-reset-once"),
            .succeeds("scenario-artifact-reset-once-size-36MiB", size: 36 * Self.mebibyte),
            // What follows the announced length is no part of the message (RFC 9112, 6.3), and goes nowhere.
            .succeeds("scenario-artifact-longer"),
            .succeeds("scenario-artifact-chunked"),
            .succeeds("scenario-artifact-chunked-size-12MiB", size: 12 * Self.mebibyte),
            .succeeds("scenario-artifact-chunked-cut-once"),
            .succeeds("scenario-artifact-chunked-cut-once-size-36MiB", size: 36 * Self.mebibyte),
            .succeeds("scenario-download-500-twice"),
            .succeeds("scenario-download-503-once"),
            .succeeds("scenario-download-html-once"),
            .succeeds("scenario-download-reset-once"),
            .succeeds("scenario-download-close-once"),
            .succeeds("scenario-download-404-once"),
            .succeeds("scenario-link-expired-once"),
            .succeeds("scenario-link-short-lived"),
            .succeeds("scenario-artifact-gone-once", jobs: 2),
        ])
    }

    @Test func damageThatStays() async throws {
        try await Stack.play([
            .fails("scenario-artifact-empty", .artifactUnreadable, at: .transfer),
            .fails("scenario-artifact-zero", .artifactUnreadable, at: .transfer),
            .fails("scenario-artifact-truncated", .artifactUnreadable, at: .transfer),
            .fails("scenario-artifact-truncated-size-36MiB", .artifactUnreadable, at: .transfer),
            .fails("scenario-artifact-reset-size-36MiB", .artifactUnreadable, at: .transfer),
            .fails("scenario-download-html", .artifactUnreadable, at: .transfer, status: 200, says: ["HTML"]),
            .fails("scenario-artifact-forbidden", .artifactUnreadable, at: .transfer, status: 403),
            .fails("scenario-artifact-gone", .exportLost, at: .transfer, status: 410, jobs: 3),
            .fails("scenario-download-500", .retriesExhausted, at: .transfer, status: 500, says: ["5 attempts"]),
            .fails(
                "scenario-artifact-too-large", .artifactTooLarge, at: .transfer, says: ["transfer.maxArtifactBytes"]),
            .fails(
                "scenario-artifact-chunked-size-48MiB", .artifactTooLarge, at: .transfer,
                says: ["transfer.maxArtifactBytes"]),
        ]) { variables in
            variables["NLU_EXPORT_RETRY_TRANSFERS"] = "3"
            variables["NLU_EXPORT_RETRY_MAX_ATTEMPTS"] = "5"
            variables["NLU_EXPORT_TRANSFER_MAX_ARTIFACT_BYTES"] = "40MiB"
        }
    }

    @Test func silence() async throws {
        try await Stack.play([
            .succeeds("scenario-artifact-stalled-once"),
            .succeeds("scenario-artifact-stalled-once-size-36MiB", size: 36 * Self.mebibyte),
            .fails("scenario-artifact-stalled", .artifactUnreadable, at: .transfer),
            .fails("scenario-artifact-stalled-size-36MiB", .artifactUnreadable, at: .transfer),
        ]) { variables in
            variables["NLU_EXPORT_RETRY_TRANSFERS"] = "3"
            variables["NLU_EXPORT_TRANSFER_STALL_TIMEOUT"] = "1500ms"
        }
    }

    @Test func whereALinkLeads() async throws {
        try await Stack.play([
            .succeeds("scenario-link-signed"),
            .succeeds("scenario-link-own"),
            .succeeds("scenario-link-relative"),
            .succeeds("scenario-redirect-once"),
            .succeeds("scenario-redirect-own"),
            .succeeds("scenario-redirect-5-hops"),
            .fails("scenario-redirect-6-hops", .downloadRefused, at: .transfer),
            .fails("scenario-redirect-loop", .downloadRefused, at: .transfer),
            .fails("scenario-redirect-file-scheme", .downloadRefused, at: .transfer),
            .fails("scenario-link-file-scheme", .downloadRefused, at: .transfer),
        ])
    }
}
