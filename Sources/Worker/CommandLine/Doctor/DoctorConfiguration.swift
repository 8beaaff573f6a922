// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What can be said of the configuration without asking anybody; values out of range never come as far as here.
struct DoctorConfiguration: Sendable {
    let settings: Settings

    var checks: [DoctorCheck] {
        [
            DoctorCheck("configuration") { [timeouts, heartbeat] },
            DoctorCheck("secret files") { await Self.read(secretFiles) },
        ]
    }

    /// A job that runs longer than the broker waits for an acknowledgement costs its command a return each time, and
    /// the broker counts returns.
    var timeouts: DoctorFinding {
        let held = settings.amqp.consumerTimeout - .seconds(120)
        let returns = Int(settings.job.deadline / held)
        let what =
            "a job may take \(DurationText.format(settings.job.deadline)), a delivery is given back after "
            + "\(DurationText.format(held))"
        guard returns > (settings.amqp.deliveryLimit - 10) / 2 else {
            return .fine("configuration", "\(what): at most \(returns) returns of \(settings.amqp.deliveryLimit)")
        }
        return .warning(
            "configuration", "\(what): \(returns) returns, while the broker allows \(settings.amqp.deliveryLimit)",
            remedy: "raise amqp.consumerTimeout together with the broker's consumer_timeout, or lower job.deadline")
    }

    private var heartbeat: DoctorFinding {
        guard settings.amqp.heartbeat == .zero else {
            return .fine(
                "heartbeat",
                "a broker that is gone is noticed within two of "
                    + DurationText.format(settings.amqp.heartbeat))
        }
        return .warning(
            "heartbeat", "amqp.heartbeat is 0s: a broker that is gone may go unnoticed for long",
            remedy: "set amqp.heartbeat, for example to 15s")
    }

    /// Key and source of every secret that comes from a file.
    private var secretFiles: [(key: String, source: SecretSource)] {
        var sources: [(key: String, source: SecretSource?)] = [
            ("amqp.passwordFile", settings.amqp.password), ("http.tokenFile", settings.http.token),
        ]
        for tenant in settings.tenants {
            sources.append(("cognigy.tenants.\(tenant.name).clientSecretFile", tenant.clientSecret))
            sources.append(("cognigy.tenants.\(tenant.name).apiKeyFile", tenant.apiKey))
        }
        return sources.compactMap { key, source in source.flatMap { $0.path == nil ? nil : (key, $0) } }
    }

    private static func read(_ files: [(key: String, source: SecretSource)]) async -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        for (key, source) in files {
            do throws(SecretError) {
                _ = try await source.current()
                findings.append(.fine("secret file", "\(key) can be read"))
            } catch {
                findings.append(.failure("secret file", error, key: key))
            }
        }
        return findings
    }
}

extension DoctorFinding {
    static func failure(_ subject: String, _ error: SecretError, key: String) -> DoctorFinding {
        .failure(
            subject, "\(key): \(error.path) cannot be used: \(error.reason)",
            remedy: "put the secret alone on one line of that file, and let the worker's user read it",
            exit: .configuration)
    }
}
