// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
package import Logging

/// Everything that talks to one tenant, sharing its token and its pace.
package final class Tenant: Sendable {
    package let name: String
    package let exporter: any ModelExporter
    package let downloader: any ArtifactDownloader
    private let v1: V1Exporter
    private let tokens: TokenProvider

    /// Makes no call; the first token is asked for when it is needed.
    package init(
        _ configuration: TenantConfiguration, transport: any CognigyTransport, clock: TenantClock = .system(),
        logger: Logger
    ) {
        let gate = TenantGate(
            tenant: configuration.name, maxRequestsPerMinute: configuration.maxRequestsPerMinute, clock: clock)
        let endpoint = TokenEndpoint(configuration: configuration, transport: transport, gate: gate, clock: clock)
        var logger = logger
        logger[metadataKey: "tenant"] = "\(configuration.name)"
        tokens = TokenProvider(endpoint: endpoint, clock: clock, logger: logger)
        let session = TenantSession(
            configuration: configuration, transport: transport, gate: gate, tokens: tokens, clock: clock)
        name = configuration.name
        v1 = V1Exporter(session: session)
        exporter = v1
        downloader = V1Downloader(session: session)
    }

    /// Finds out whether the tenant serves this worker: a fresh token, then the last version that was found trained.
    ///
    /// Returns when it does. The token is always a new one, because a scope that was given back shows in new tokens
    /// only. Where no version was ever found, it is enough that the API takes that token, and false is returned.
    @discardableResult
    package func probe(context: CallContext = CallContext(commandID: "probe")) async throws(StepError) -> Bool {
        _ = try await tokens.renewedCredentials()
        return try await v1.probe(context: context)
    }
}
