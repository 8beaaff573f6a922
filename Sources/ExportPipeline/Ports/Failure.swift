// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Why a command can never succeed: the closed set of codes that events, audit records and exit codes carry.
///
/// Source: the failure policy; the raw values are a published contract.
package enum FailureCode: String, Sendable, Hashable, Codable, CaseIterable {
    case invalidCommand = "invalid_command"
    case unknownTenant = "unknown_tenant"
    case commandIDConflict = "command_id_conflict"
    case modelNotFound = "model_not_found"
    case permissionDenied = "permission_denied"
    case exportRefused = "export_refused"
    case modelNotTrained = "model_not_trained"
    case exportFailed = "export_failed"
    case unexpectedJobStatus = "unexpected_job_status"
    case jobTimeout = "job_timeout"
    case exportLost = "export_lost"
    case artifactUnreadable = "artifact_unreadable"
    case artifactTooLarge = "artifact_too_large"
    case downloadRefused = "download_refused"
    case objectConflict = "object_conflict"
    case storageRefused = "storage_refused"
    case retriesExhausted = "retries_exhausted"
    case deliveriesExhausted = "deliveries_exhausted"
}

/// Where in the life of a command something happened; the raw values are a published contract.
package enum Stage: String, Sendable, Hashable, Codable, CaseIterable {
    case receive, validate, trigger, poll, transfer, verify, audit, announce
}

/// A permanent failure as it is frozen in the outcome and told to the world.
package struct Failure: Error, Sendable, Hashable, Codable {
    package let code: FailureCode
    package let stage: Stage
    /// What happened, to what, and what to do next: at most 1 KiB, without control characters or secrets.
    package let message: String
    /// The remote HTTP status that led to this, where there was one.
    package let httpStatus: Int?

    package init(code: FailureCode, stage: Stage, message: String, httpStatus: Int? = nil) {
        self.code = code
        self.stage = stage
        self.message = RemoteText.cleaned(message)
        self.httpStatus = httpStatus
    }
}
