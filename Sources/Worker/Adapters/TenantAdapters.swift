// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Cognigy
internal import ExportPipeline
internal import Logging

extension TenantDirectory {
    /// The tenants of the configuration.
    init(settings: Settings, transport: any CognigyTransport, logger: Logger) throws(CognigyError) {
        var configurations: [TenantConfiguration] = []
        for tenant in settings.tenants {
            configurations.append(try TenantConfiguration(tenant, stallTimeout: settings.transfer.stallTimeout))
        }
        try self.init(configurations, transport: transport, logger: logger)
    }
}

extension TenantConfiguration {
    init(_ tenant: Settings.Tenant, stallTimeout: Duration) throws(CognigyError) {
        try self.init(
            name: tenant.name, baseURL: tenant.baseURL, clientID: tenant.clientID ?? "",
            clientSecret: tenant.clientSecret.map(Cognigy.SecretSource.init) ?? .fixed(""),
            tokenPath: tenant.tokenPath, scope: tenant.scope, apiKey: tenant.apiKey.map(Cognigy.SecretSource.init),
            caFile: tenant.caFile, downloadHosts: Set(tenant.downloadHosts),
            maxRequestsPerMinute: tenant.maxRequestsPerMinute, timeouts: Timeouts(stall: stallTimeout))
    }
}

extension Cognigy.SecretSource {
    /// Reads the configured secret anew each time a token is asked for, so that a rotated file takes effect.
    init(_ source: SecretSource) {
        self.init { try await source.current().reveal() }
    }
}
