// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// What an answer of the v1 API means; 401, 429 and redirects have been dealt with before.
///
/// The failure policy in one place: each function is one column of it, each case a row. A page of HTML is never the
/// API's own word (a gateway or a login wrote it), so 403 and 404 are believed at once only when they are not HTML.
struct V1Answers: Sendable {
    /// How often an answer that is probably final is asked for again.
    private static let doubtfulRepeats = 5
    private static let maximumStatusBytes = 64
    private static let trainingStatuses: Set<String> = ["TRAINING", "PENDING", "QUEUED", "RUNNING", "IN_PROGRESS"]

    let call: APICall
    let answer: Answer

    func versionStatus() throws(StepError) -> VersionStatus {
        switch answer.status {
        case 200..<300: return try versionStatus(in: json())
        case 403: throw final(.permissionDenied, "allow the service account to read the model")
        case 404, 410: throw final(.modelNotFound, "check model id and version and send the command again")
        case 408, 425, 500...: throw error(.transient())
        default: throw error(.transient(limit: Self.doubtfulRepeats, thenFailsWith: .exportRefused))
        }
    }

    func exportJob() throws(StepError) -> ExportJob {
        switch answer.status {
        case 200..<300: return try exportJob(in: answer.json)
        case 403:
            throw final(
                .permissionDenied,
                "give the service account the scope nlu:models:export, or ask for the security policy")
        case 404: throw final(.modelNotFound, "check model id and version and send the command again")
        case 408, 425, 500...: throw error(.ambiguous, "; it may have taken effect")
        default: throw error(.permanent(.exportRefused), "; check format, version and size of the model")
        }
    }

    /// `base`: what a relative download URL is resolved against.
    func jobStatus(base: String) throws(StepError) -> JobStatus {
        switch answer.status {
        case 200..<300: return jobStatus(in: try json(), base: base)
        case 404, 410: throw error(answer.isHTML ? .transient() : .gone)
        case 408, 425, 500...: throw error(.transient())
        default:
            throw error(
                .transient(limit: Self.doubtfulRepeats, thenFailsWith: .exportFailed),
                "; check the scope jobs:read of the service account")
        }
    }

    private func versionStatus(in json: JSONValue) -> VersionStatus {
        guard let status = json["status"]?.string else { return .notTrained(nil) }
        if status == "TRAINED" { return .trained }
        if Self.trainingStatuses.contains(status) { return .trainingUnderWay(status) }
        return .notTrained(answer.text("status", limit: Self.maximumStatusBytes))
    }

    private func exportJob(in json: JSONValue?) throws(StepError) -> ExportJob {
        guard let job = json?["jobId"]?.string, let export = json?["exportId"]?.string else {
            throw error(.ambiguous, " without a jobId and an exportId that are strings; it may have taken effect")
        }
        for (name, id) in [("jobId", job), ("exportId", export)] {
            guard let violation = IdentifierRules.violation(of: id) else { continue }
            throw error(.ambiguous, ", but its \(name) \(violation); it may have taken effect")
        }
        return ExportJob(jobID: job, exportID: export)
    }

    private func jobStatus(in json: JSONValue, base: String) -> JobStatus {
        guard let status = json["status"] else { return .unknown("(none)") }
        switch status.string {
        case "COMPLETED":
            return .completed(json["downloadUrl"]?.string.flatMap { LinkReader.link($0, base: base) })
        case "FAILED":
            return .failed(message: answer.text("errorMessage") ?? "the tenant gave no reason")
        case "PENDING", "RUNNING":
            return .underWay(percent: min(100, max(0, json["progress"]?.double ?? 0)))
        case nil: return .unknown("(\(status.kind), not a string)")
        case _: return .unknown(answer.text("status", limit: Self.maximumStatusBytes) ?? "(empty)")
        }
    }

    private func json() throws(StepError) -> JSONValue {
        guard let json = answer.json else { throw error(.transient()) }
        return json
    }

    /// A refusal that is final, unless a page of HTML says it.
    private func final(_ code: FailureCode, _ remedy: String) -> StepError {
        let doubtful = StepError.Kind.transient(limit: Self.doubtfulRepeats, thenFailsWith: code)
        return error(answer.isHTML ? doubtful : .permanent(code), "; \(remedy)")
    }

    private func error(_ kind: StepError.Kind, _ tail: String = "") -> StepError {
        StepError(kind, "\(call.subject) was answered with \(answer.summary)\(tail)", httpStatus: answer.status)
    }
}
