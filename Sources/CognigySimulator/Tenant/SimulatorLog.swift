// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a tenant has seen. Lists keep the last entries only (see `logLimit`); counts are complete.
package struct SimulatorLog: Sendable, Codable {
    /// Requests by endpoint.
    package var requests: [String: Int] = [:]
    /// Answers by endpoint and status, or what took its place: `"poll 200"`, `"trigger reset"`.
    package var answers: [String: Int] = [:]
    /// Requests by model and endpoint.
    package var requestsByModel: [String: [String: Int]] = [:]
    /// Tokens issued.
    package var tokensIssued = 0
    /// Every export request, repeats included.
    package var triggers: [TriggerRecord] = []
    /// Every job.
    package var jobs: [JobRecord] = []
    /// Every transfer of artifact bytes.
    package var downloads: [DownloadRecord] = []
    /// Transfers going on.
    package var openDownloads = 0
    /// The most transfers that ever went on at once.
    package var peakDownloads = 0
    /// Requests that reached the download host.
    package var downloadHostRequests = 0
    /// Credentials that reached the download host: must stay empty.
    package var leaks: [LeakRecord] = []
    /// The requests in order, admin requests left out.
    package var recent: [RequestRecord] = []

    /// How many jobs were triggered for a model, and for a version of it if given.
    package func jobCount(model: String, version: String? = nil) -> Int {
        jobs.count { $0.modelID == model && (version == nil || $0.version == version) }
    }

    /// How many requests an endpoint has had, for one model if given.
    package func count(_ endpoint: Endpoint, model: String? = nil) -> Int {
        (model.map { requestsByModel[$0] ?? [:] } ?? requests)[endpoint.rawValue] ?? 0
    }
}

/// One export request.
package struct TriggerRecord: Sendable, Codable, Hashable {
    /// Seconds since the simulator began.
    package var at: Double
    package var modelID: String
    package var version: String?
    package var format: String?
    /// The `Idempotency-Key` header.
    package var idempotencyKey: String?
    /// The key was seen before.
    package var isRepeat: Bool
    /// The job made or found, also when the answer that names it was lost.
    package var jobID: String?
    /// `metadata.commandId` and `metadata.runId`.
    package var commandID: String?
    package var runID: String?
    package var metadata: [String: JSONValue]
    package var client: String
    package var traceparent: String?
    /// The status answered, or what took its place.
    package var answer: String
}

/// One job.
package struct JobRecord: Sendable, Codable, Hashable {
    package var jobID: String
    package var exportID: String
    package var modelID: String
    package var version: String
    package var format: String
    package var idempotencyKey: String?
    package var metadata: [String: JSONValue]
    /// The how manyth job of this model version it is, from 1.
    package var number: Int
    /// Seconds since the simulator began.
    package var createdAt: Double
    /// How often its page was asked for.
    package var polls: Int
    /// How often its artifact was asked for.
    package var downloads: Int
}

/// One transfer of artifact bytes.
package struct DownloadRecord: Sendable, Codable, Hashable {
    package var number: Int
    package var jobID: String
    package var modelID: String
    package var listener: Listener
    package var status: Int
    /// The first byte's place in the artifact.
    package var offset: Int
    /// What was announced; nil when chunked.
    package var announced: Int?
    /// What was handed to the connection; nil while the transfer goes on.
    package var sent: Int?
}

/// A credential that reached the download host.
package struct LeakRecord: Sendable, Codable, Hashable {
    /// The header, or `url`.
    package var place: String
    package var path: String
    /// The value is a token or the secret of this tenant, not merely a header that carries such.
    package var isOurs: Bool
}

/// One request.
package struct RequestRecord: Sendable, Codable, Hashable {
    package var number: Int
    /// Seconds since the simulator began.
    package var at: Double
    package var listener: Listener
    package var endpoint: Endpoint
    package var method: String
    /// Without the query.
    package var path: String
    package var model: String?
    package var client: String?
    /// The `traceparent` header.
    package var traceparent: String?
    /// The `X-Correlation-ID` header.
    package var correlationID: String?
    /// The status, or what took its place.
    package var answer: String
}
