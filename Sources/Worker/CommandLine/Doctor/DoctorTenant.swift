// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Cognigy
internal import ExportPipeline
internal import HTTPTransport

/// A tenant: whether it gives a token. Reading a model takes the name of one.
struct DoctorTenant: Sendable {
    private let surroundings: DoctorSurroundings
    private let tenant: Settings.Tenant
    private let subject: String

    init(_ surroundings: DoctorSurroundings, tenant: Settings.Tenant) {
        self.surroundings = surroundings
        self.tenant = tenant
        subject = "tenant \(tenant.name)"
    }

    var check: DoctorCheck { DoctorCheck(subject) { await [probe()] } }

    private var key: String { "cognigy.tenants.\(tenant.name)" }

    private func probe() async -> DoctorFinding {
        guard tenant.api == .v1 else {
            return .failure(
                subject, "its api is \(tenant.api.rawValue), which this version of the worker does not speak",
                remedy: "set \(key).api to v1, or leave the tenant out of cognigy.tenantNames", exit: .configuration)
        }
        let transport = DoctorTransport(surroundings.http)
        do {
            let configuration = try TenantConfiguration(
                tenant, stallTimeout: surroundings.settings.transfer.stallTimeout)
            let client = Tenant(configuration, transport: transport, logger: surroundings.logger)
            try await client.probe()
            return granted(configuration.tokenURL.redacted, lifetime: transport.last.tokenLifetime)
        } catch let error as StepError {
            return refused(error, transport.last.failure)
        } catch {
            return .failure(subject, "\(error)", remedy: "correct \(key)", exit: .configuration)
        }
    }

    private func granted(_ url: String, lifetime: Double?) -> DoctorFinding {
        let note = "whether it may read and export a model shows with the first command"
        guard let lifetime else { return .fine(subject, "a token from \(url), of unknown lifetime; \(note)") }
        let shown = DurationText.format(.seconds(min(max(0, lifetime.isFinite ? lifetime : 0), 1e6)))
        guard lifetime < 120 else { return .fine(subject, "a token from \(url), good for \(shown); \(note)") }
        return .warning(
            subject, "a token from \(url) that is good for \(shown) only: many calls will ask for a new one",
            remedy: "have the tenant's owner raise the lifetime of tokens")
    }

    private func refused(_ error: StepError, _ failure: HTTPError.Code?) -> DoctorFinding {
        if case .throttled = error.kind {
            return .warning(
                subject, error.message, remedy: "set \(key).maxRequestsPerMinute below the tenant's limit, or wait")
        }
        let (exit, remedy) = Self.remedy(status: error.httpStatus, failure: failure, key: key)
        return .failure(subject, error.message, remedy: remedy, exit: exit)
    }

    /// What an operator does, by the answer's status or, without one, by the way the transport failed.
    static func remedy(status: Int?, failure: HTTPError.Code?, key: String) -> (WorkerExit, String) {
        switch (status, failure) {
        case (400?, _), (401?, _), (403?, _):
            (.refused, "correct \(key).clientId, .clientSecret (or the file of .clientSecretFile) and .scope")
        case (let status?, _) where status >= 500 || status == 408 || status == 425:
            (.unavailable, "try again later; if it lasts, ask the tenant's owner")
        case (.some, _):
            (.configuration, "correct \(key).baseUrl (the root of the API, not of the user interface) and .tokenPath")
        case (nil, .resolve?):
            (.unavailable, "correct the host in \(key).baseUrl, or the name service of this machine")
        case (nil, .tls?):
            (
                .unavailable,
                "set \(key).caFile to the authority of the tenant's certificate, or have that renewed; see that the "
                    + "port of \(key).baseUrl speaks TLS"
            )
        case (nil, .invalidRequest?), (nil, .addressRefused?), (nil, .redirectRefused?):
            (.configuration, "correct \(key).baseUrl and .tokenPath")
        case (nil, .some):
            (
                .unavailable,
                "correct host and port in \(key).baseUrl, or see why nothing answers there (firewall, proxy)"
            )
        case (nil, nil):
            (.configuration, "put the client's secret into \(key).clientSecret or .clientSecretFile")
        }
    }
}
