// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension CrossChecks {
    /// What one tenant needs.
    static func tenantRules(_ tenant: Settings.Tenant) -> [Rule] {
        func rule(_ leaves: [String], _ invalid: InvalidSetting?) -> Rule {
            Rule(leaves.map { "cognigy.tenants.\(tenant.name).\($0)" }, .tenants) { _ in invalid }
        }
        // Nothing else is worth saying about a tenant of the other API, whose credentials are others.
        guard tenant.api == .v1 else {
            return [
                rule(
                    ["api"],
                    InvalidSetting(
                        "is not supported yet by this version of the worker, which speaks v1 only",
                        "Use a tenant with the v1 API."))
            ]
        }
        return [
            rule(
                ["baseUrl"],
                tenant.baseURL.isEmpty
                    ? InvalidSetting(
                        "is not set", "Name the root of the API of tenant \(tenant.name).") : nil),
            rule(
                ["clientId"],
                tenant.clientID == nil
                    ? InvalidSetting(
                        "is not set", "Name the client that the tenant's owner has registered for the worker.") : nil),
            rule(
                ["clientSecret", "clientSecretFile"],
                tenant.clientSecret == nil
                    ? InvalidSetting(
                        "is not set", "Give it, or clientSecretFile, or the variable of either.") : nil),
        ]
    }

    /// That every file which the settings name can be read. A file that comes and goes while the worker runs is the
    /// concern of whoever reads it then; one that is not there at the start is most likely a mistake.
    static func fileRules(_ settings: Settings) -> [Rule] {
        var files: [(key: String, path: String?, needs: SettingsNeeds)] = [
            ("amqp.passwordFile", settings.amqp.password?.path, .broker),
            ("amqp.tls.caFile", settings.amqp.tls.caFile, .broker),
            ("amqp.tls.certFile", settings.amqp.tls.certFile, .broker),
            ("amqp.tls.keyFile", settings.amqp.tls.keyFile, .broker),
            ("s3.caFile", settings.s3.caFile, .store),
            ("http.tokenFile", settings.http.token?.path, .everything),
        ]
        for tenant in settings.tenants {
            let prefix = "cognigy.tenants.\(tenant.name)"
            files.append(("\(prefix).clientSecretFile", tenant.clientSecret?.path, .tenants))
            files.append(("\(prefix).apiKeyFile", tenant.apiKey?.path, .tenants))
            files.append(("\(prefix).caFile", tenant.caFile, .tenants))
        }
        return files.compactMap { key, path, needs in
            path.map { path in Rule([key], needs) { _ in unreadable(path) } }
        }
    }

    private static func unreadable(_ path: String) -> InvalidSetting? {
        guard unsafe access(path, R_OK) != 0 else { return nil }
        let code = errno
        return InvalidSetting(
            unsafe "cannot be read: \(String(cString: strerror(code)))",
            "Check the path, and that the worker's user may read the file.")
    }
}

extension SecretSource {
    /// The path of the file; nil for an inline secret.
    package var path: String? {
        guard case .file(let path) = self else { return nil }
        return path
    }
}
