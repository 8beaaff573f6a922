// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
package import Logging

/// The tenants of the configuration by name.
package struct TenantDirectory: ExporterDirectory {
    /// In the order of the configuration.
    package let tenantNames: [String]
    private let tenants: [String: Tenant]

    /// Makes no call; two tenants of one name are refused.
    package init(
        _ configurations: [TenantConfiguration], transport: any CognigyTransport, clock: TenantClock = .system(),
        logger: Logger
    ) throws(CognigyError) {
        var tenants: [String: Tenant] = [:]
        for configuration in configurations {
            guard tenants[configuration.name] == nil else {
                throw CognigyError(.duplicateTenant, "tenant \(configuration.name) is configured twice; rename one")
            }
            tenants[configuration.name] = Tenant(configuration, transport: transport, clock: clock, logger: logger)
        }
        tenantNames = configurations.map(\.name)
        self.tenants = tenants
    }

    /// The tenant named, or nil where the configuration knows no such tenant.
    package func tenant(_ name: String) -> Tenant? { tenants[name] }

    package func exporter(for tenant: String) -> (any ModelExporter)? { tenants[tenant]?.exporter }

    /// What fetches artifacts of the tenant named, or nil where the configuration knows no such tenant.
    package func downloader(for tenant: String) -> (any ArtifactDownloader)? { tenants[tenant]?.downloader }
}
