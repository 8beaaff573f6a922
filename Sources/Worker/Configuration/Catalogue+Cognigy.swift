// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Catalogue {
    enum Cognigy {
        static let rows: [SettingDefinition] = [
            tenantNames.definition, api.definition, baseURL.definition, clientID.definition, clientSecret.definition,
            clientSecretFile.definition, tokenPath.definition, scope.definition, apiKey.definition,
            apiKeyFile.definition, caFile.definition, downloadHosts.definition, maxRequestsPerMinute.definition,
        ]

        static let tenantNames = SettingKey.list(
            "cognigy.tenantNames", ["default"], .tenantName,
            "The tenants. When left out: those that cognigy.tenants of this file names, else default.")
        static let api = SettingKey<Settings.Tenant.API>.choice(
            tenant("api"), .v1, "The tenant's export API: v1 for export jobs, v2 for snapshots.")
        static let baseURL = SettingKey.optionalText(
            tenant("baseUrl"), .url(["https", "http"]), example: "https://api-acme.cognigy.cloud",
            "The root of the tenant's API (not of its user interface). Required.")
        static let clientID = SettingKey.optionalText(
            tenant("clientId"), .words(), example: "nlu-export-worker",
            "The client of the client-credentials grant. Required for v1.")
        static let clientSecret = SettingKey.secret(
            tenant("clientSecret"), .words(4096), example: "change-me",
            "The client's secret. This or clientSecretFile is required for v1.")
        static let clientSecretFile = SettingKey.optionalText(
            tenant("clientSecretFile"), .path, example: "/run/secrets/cognigy-client-secret",
            "Instead of clientSecret: a file that holds it alone; read again when it changes."
        )
        .instead(of: tenant("clientSecret"))
        static let tokenPath = SettingKey.text(
            tenant("tokenPath"), "/api/v1/auth/oauth/token", .urlPath, "The path of the token endpoint.")
        static let scope = SettingKey.optionalText(
            tenant("scope"), .words(1024), example: "nlu:models:export jobs:read artifacts:download",
            "The scope asked for with the token; none is named when left out.")
        static let apiKey = SettingKey.secret(
            tenant("apiKey"), .words(4096), example: "change-me",
            "The API key of a v2 tenant, instead of client and secret."
        )
        .instead(of: tenant("clientSecret"))
        static let apiKeyFile = SettingKey.optionalText(
            tenant("apiKeyFile"), .path, example: "/run/secrets/cognigy-api-key",
            "Instead of apiKey: a file that holds it alone; read again when it changes."
        )
        .instead(of: tenant("clientSecret"))
        static let caFile = SettingKey.optionalText(
            tenant("caFile"), .path, example: "/etc/ssl/certs/ca-certificates.crt",
            "PEM file of the authorities that may vouch for the tenant; the system's when left out.")
        static let downloadHosts = SettingKey.list(
            tenant("downloadHosts"), [], .downloadHost, atLeastOne: false, example: "artifacts.internal",
            "Hosts in a private network that artifacts may be downloaded from.")
        static let maxRequestsPerMinute = SettingKey.optionalInteger(
            tenant("maxRequestsPerMinute"), 1...1_000_000, example: 200,
            "The most API requests a minute that this process makes; no limit when left out.")

        private static func tenant(_ leaf: String) -> String {
            "cognigy.tenants.\(SettingDefinition.tenantPlaceholder).\(leaf)"
        }
    }
}
