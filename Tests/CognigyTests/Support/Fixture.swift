// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Cognigy
import ExportPipeline
import HTTPTransport
import Logging
import Synchronization

/// A tenant with a scripted transport and a clock that stands still.
struct Fixture {
    static let secret = "s3cr3t & more=+%"
    static let apiKey = "api-key-4711"
    static let command = ExportCommand(
        commandID: "cmd-1", tenant: "acme", modelID: "model 1/ü", version: "1.4.0", format: "ONNX",
        metadata: ["environment": "production", "runId": "forged"])
    static let context = CallContext(
        commandID: "cmd-1", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        tracestate: "vendor=1", correlationID: "corr-1")

    let transport: ScriptedTransport
    let manual = ManualClock()
    let tenant: Tenant

    init(
        token: [ScriptedTransport.Reply] = [.token("token-1")], _ replies: [ScriptedTransport.Reply] = [],
        base: String = "https://api.example.com/base/", downloadHosts: Set<String> = [],
        apiKey: String? = nil, secret: SecretSource = .fixed(Fixture.secret), scope: String? = nil,
        perMinute: Int? = nil
    ) throws {
        transport = ScriptedTransport(token: token, replies)
        tenant = Tenant(
            try TenantConfiguration(
                name: "acme", baseURL: base, clientID: "client 1", clientSecret: secret, scope: scope,
                apiKey: apiKey.map(SecretSource.fixed), downloadHosts: downloadHosts, maxRequestsPerMinute: perMinute),
            transport: transport, clock: manual.clock, logger: .silent)
    }

    func status() async throws(StepError) -> VersionStatus {
        try await tenant.exporter.status(of: Self.command, context: Self.context)
    }

    func trigger() async throws(StepError) -> ExportJob {
        try await tenant.exporter.trigger(Self.command, runID: "run-1", context: Self.context)
    }

    func poll() async throws(StepError) -> JobStatus {
        let job = ExportJob(jobID: "job 7", exportID: "export-7")
        return try await tenant.exporter.poll(job, of: Self.command, context: Self.context)
    }

    func open(_ url: String) async throws(StepError) -> any ArtifactBody {
        try await tenant.downloader.openDownload(DownloadLink(url: url), of: Self.command, context: Self.context)
    }
}

/// The error that a call must end with, or nil (which fails the expectation on it).
func failure<Value>(of call: () async throws -> Value) async -> StepError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? StepError
    }
}
