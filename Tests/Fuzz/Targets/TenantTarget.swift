// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import Cognigy
@testable import ExportPipeline
@testable import HTTPTransport

extension FuzzTarget {
    private static let secret = "s3cr3t-token"

    /// The input is an HTTP answer: head, empty line, body.
    static let tenant = FuzzTarget(name: "tenant", summary: "a tenant's answers: job, status, token") { input in
        guard let response = HTTPAnswerText.response(input) else { return }
        let answer = Answer(response, redactor: Redactor(secrets: [secret]))
        try claimPrintable(answer.summary, "the summary")
        try claim(!answer.summary.contains(secret), "the secret is in the summary: \(answer.summary)")
        let call = APICall(method: .get, path: "/x", timeout: .seconds(1), subject: "a call of tenant acme")
        let answers = V1Answers(call: call, answer: answer)
        try outcome(of: answers.versionStatus, check)
        try outcome(of: answers.exportJob, check)
        for base in ["https://api.example.com/v1", "http://127.0.0.1:8080"] {
            try outcome(of: { () throws(StepError) in try answers.jobStatus(base: base) }) { status in
                try check(status, base: base)
            }
        }
        try checkToken(answer)
        try checkWait(response.headers)
    }

    /// Checks what a call ends with, a value or an error of the right type.
    private static func outcome<Value>(
        of call: () throws(StepError) -> Value, _ check: (Value) throws -> Void
    ) throws {
        switch Result(catching: { () throws(StepError) in try call() }) {
        case .success(let value): try check(value)
        case .failure(let error):
            try claimPrintable(error.message, "the reason")
            try claim(!error.message.contains(secret), "the secret is in the reason: \(error.message)")
        }
    }

    private static func check(_ status: VersionStatus) throws {
        switch status {
        case .trained, .notTrained(nil): break
        case .trainingUnderWay(let name), .notTrained(let name?): try claimPrintable(name, "a status", limit: 64)
        }
    }

    private static func check(_ job: ExportJob) throws {
        try CommandClaims.claimID(job.jobID)
        try CommandClaims.claimID(job.exportID)
    }

    private static func check(_ status: JobStatus, base: String) throws {
        switch status {
        case .underWay(let percent): try claim((0...100).contains(percent), "\(percent) percent")
        case .failed(let message):
            try claimPrintable(message, "the job's reason")
            try claim(!message.contains(secret), "the secret is in the job's reason: \(message)")
        case .unknown(let name): try claimPrintable(name, "a status", limit: 64)
        case .completed(nil): break
        case .completed(let link?): try check(link, base: base)
        }
    }

    /// A link is followed only where the policy can say whose host it is.
    static func check(_ link: DownloadLink, base: String) throws {
        let policy = DownloadPolicy(base: try WebURL(base), downloadHosts: ["cdn.example.com"])
        switch Result(catching: { () throws(StepError) in try policy.url(of: link, tenant: "acme") }) {
        case .success(let url):
            try claim(url.scheme == "https" || policy.base.scheme == "http", "\(base) leads to \(url.scheme)")
            try claim(!url.hasUserInfo && !url.host.isEmpty, "a link to \(url.string)")
            try claim(!policy.isOwn(url) || url.host == policy.base.host, "credentials for \(url.host)")
        case .failure(let error):
            try claim(error.kind == .permanent(.downloadRefused), "refused as \(error.kind)")
            try claimPrintable(error.message, "the reason")
        }
    }

    private static func checkToken(_ answer: Answer) throws {
        guard let grant = answer.json.flatMap({ TokenGrant($0) }) else { return }
        try claim((.zero...TokenGrant.maximumLifetime).contains(grant.lifetime), "a lifetime of \(grant.lifetime)")
        try claim(grant.token.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a token that breaks a header")
    }

    private static func checkWait(_ headers: HTTPHeaders) throws {
        guard let wait = RetryAfter.wait(in: headers, wallSeconds: 1_795_397_025) else { return }
        try claim((.zero...RetryAfter.maximum).contains(wait), "a wait of \(wait)")
    }
}
