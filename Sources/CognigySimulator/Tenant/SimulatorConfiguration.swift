// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How a simulated tenant is set up.
package struct SimulatorConfiguration: Sendable {
    /// The scopes a service account needs for exports.
    package static let exportScopes = ["nlu:models:export", "jobs:read", "artifacts:download"]

    /// Address to listen on.
    package var host = "127.0.0.1"
    /// Port of the API; 0 lets the system choose.
    package var port = 0
    /// Port of the download host, another origin; 0 lets the system choose.
    package var downloadPort = 0
    /// How clients reach the API, without a slash at its end; made from each request's `Host` header when nil.
    package var publicURL: String?
    /// How clients reach the download host; the host name of each request with the download port when nil.
    package var publicDownloadURL: String?
    /// Path in front of every API path, without a slash at its end: `/tenant-a`.
    package var basePath = ""
    /// The service account's id. Ids that begin with `scenario-` are known too, with the same secret.
    package var clientID = "simulator-client"
    /// The service account's secret.
    package var clientSecret = "simulator-secret"
    /// The scopes the service account has.
    package var scopes = Self.exportScopes
    /// How long tokens are good for.
    package var tokenLifetime = Duration.seconds(3600)
    /// How long jobs take.
    package var jobDuration = Duration.seconds(2)
    /// How long the signature of a download URL is good for.
    package var linkLifetime = Duration.seconds(900)
    /// Where completed jobs say that their artifact is.
    package var linkKind = LinkBehaviour.Kind.signed
    /// The size of artifacts that nothing else decides.
    package var artifactSize = ByteSize(1 << 20)
    /// The formats that can be exported; others are refused with 422.
    package var formats = ["ONNX", "TENSORFLOW", "PYTORCH"]
    /// Requests answered per minute over all clients, 429 beyond; nil for no limit.
    package var requestsPerMinute: Int?
    /// Rules in force from the start, and after a reset.
    package var rules: [Rule] = []
    /// How many entries each list of the log keeps; older ones are dropped, counts go on.
    package var logLimit = 50_000

    /// Makes the configuration of a healthy tenant on loopback.
    package init() {}
}
