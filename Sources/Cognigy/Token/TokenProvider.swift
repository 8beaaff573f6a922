// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
internal import HTTPTransport
internal import Logging
internal import Synchronization

/// Keeps the access token of a tenant: asked for when it is needed, once for all who need it, and again in time.
///
/// A failure is never kept: whoever asks next asks the tenant. The secrets are read anew for every token request, so
/// a rotated file is seen at the latest when the old credential was refused.
package final class TokenProvider: Sendable {
    /// A token is no longer handed out when it has less than this to live.
    static let margin: Duration = .seconds(60)
    /// How many earlier secrets and tokens are still looked for in remote texts.
    private static let rememberedSecrets = 12

    private struct Held {
        let credentials: Credentials
        let goodUntil: Duration
    }

    private struct State {
        var held: Held?
        var flight: SharedFlight<Credentials>?
        var serial = 0
        /// What the last token is good for, where the tenant says so.
        var scopes: Set<String>?
        var secrets: [String] = []
        var redactor = Redactor(secrets: [])
    }

    private let state = Mutex(State())
    private let endpoint: TokenEndpoint
    private let clock: TenantClock
    private let logger: Logger

    init(endpoint: TokenEndpoint, clock: TenantClock, logger: Logger) {
        self.endpoint = endpoint
        self.clock = clock
        self.logger = logger
    }

    /// The credentials to use now; asks for new ones where there are none or they are about to expire.
    package func credentials() async throws(StepError) -> Credentials {
        let now = clock.now()
        let (held, flight, isMine) = state.withLock { state in
            if let held = state.held, now < held.goodUntil { return (held.credentials, nil, false) as Choice }
            if let flight = state.flight { return (nil, flight, false) }
            let flight = SharedFlight<Credentials>()
            state.held = nil
            state.flight = flight
            return (nil, flight, true)
        }
        if let held { return held }
        guard let flight else { throw StepError(.interrupted, "no access token was asked for") }
        // Nobody's cancellation may end the request that others wait for: it has a task of its own.
        if isMine { Task { await self.request(for: flight) } }
        return try await flight.outcome().get()
    }

    /// Credentials from a request that is made now (or is under way), whatever is held; for probes.
    ///
    /// Throws where the tenant says that they are not good for all that was asked for.
    func renewedCredentials() async throws(StepError) -> Credentials {
        state.withLock { $0.held = nil }
        let credentials = try await credentials()
        if let granted = state.withLock({ $0.scopes }) { try endpoint.check(granted: granted) }
        return credentials
    }

    /// Forgets credentials that a call was refused with; those that replaced them stay.
    package func invalidate(_ refused: Credentials) {
        state.withLock { state in
            if state.held?.credentials.serial == refused.serial { state.held = nil }
        }
    }

    /// Knows the secrets of this tenant and keeps them out of texts.
    var redactor: Redactor { state.withLock { $0.redactor } }

    private typealias Choice = (Credentials?, SharedFlight<Credentials>?, Bool)

    private func request(for flight: SharedFlight<Credentials>) async {
        let outcome: Result<Credentials, StepError>
        do {
            outcome = .success(try await requestCredentials())
        } catch {
            outcome = .failure(error)
        }
        state.withLock { if $0.flight === flight { $0.flight = nil } }
        flight.complete(outcome)
    }

    private func requestCredentials() async throws(StepError) -> Credentials {
        let secrets = try await endpoint.readSecrets()
        remember([secrets.clientSecret, secrets.apiKey].compactMap { $0 })
        let grant = try await endpoint.request(secrets, redactor: redactor)
        remember([grant.answer.token])
        let goodUntil = grant.sentAt + grant.answer.lifetime - Self.margin
        let credentials = state.withLock { state in
            state.serial += 1
            state.scopes = grant.answer.scopes
            let new = Credentials(token: grant.answer.token, apiKey: secrets.apiKey, serial: state.serial)
            // A token that lives no longer than the margin serves those who waited for it and nobody else.
            if goodUntil > clock.now() { state.held = Held(credentials: new, goodUntil: goodUntil) }
            return new
        }
        logger.debug("access token received", metadata: ["lifetime": "\(grant.answer.lifetime)"])
        return credentials
    }

    private func remember(_ secrets: [String]) {
        state.withLock { state in
            for secret in secrets where !state.secrets.contains(secret) { state.secrets.append(secret) }
            state.secrets.removeFirst(max(0, state.secrets.count - Self.rememberedSecrets))
            state.redactor = Redactor(secrets: state.secrets)
        }
    }
}
