// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// Asks a tenant's token endpoint: one call, no memory.
struct TokenEndpoint: Sendable {
    /// The secrets as they stand now; they never leave this module.
    struct Secrets: Sendable {
        let clientSecret: String
        let apiKey: String?
    }

    let configuration: TenantConfiguration
    let transport: any CognigyTransport
    let gate: TenantGate
    let clock: TenantClock

    /// Reads the configured secrets; a secret that cannot be read or sent is a fault of the surroundings.
    func readSecrets() async throws(StepError) -> Secrets {
        let secret = try await read(configuration.clientSecret, "client secret")
        guard let source = configuration.apiKey else { return Secrets(clientSecret: secret, apiKey: nil) }
        let key = try await read(source, "API key")
        guard key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw fault("the API key of \(tenant) holds characters that no header may hold; correct it")
        }
        return Secrets(clientSecret: secret, apiKey: key)
    }

    /// Sends the request and reads the grant; `sentAt` is the moment before it was sent.
    func request(
        _ secrets: Secrets, redactor: Redactor
    ) async throws(StepError) -> (answer: TokenGrant, sentAt: Duration) {
        let sentAt = try await gate.pass()
        let response: HTTPResponse
        do {
            response = try await transport.exchange(request(secrets))
        } catch {
            throw TransportFailure(subject: subject, tenant: configuration.name, redactor: redactor)
                .stepError(for: error, isRepeatable: true)
        }
        let answer = Answer(response, redactor: redactor)
        if response.status == 429 {
            let wait = RetryAfter.wait(in: response.headers, wallSeconds: clock.wallSeconds())
            gate.throttled(retryAfter: wait, sentAt: sentAt)
            throw StepError(.throttled(retryAfter: wait), "\(subject) was answered with 429", httpStatus: 429)
        }
        gate.answered(sentAt: sentAt)
        return (try grant(from: answer), sentAt)
    }

    /// Throws where less was granted than `scope` of the tenant asks for.
    func check(granted: Set<String>) throws(StepError) {
        let missing = TokenGrant.scopes(configuration.scope ?? "").subtracting(granted).sorted()
        guard !missing.isEmpty else { return }
        throw fault(
            "the access token of \(tenant) lacks the scope \(missing.joined(separator: " ")), which was asked for; "
                + "give it to the service account, or correct scope of the tenant")
    }

    private func grant(from answer: Answer) throws(StepError) -> TokenGrant {
        let status = answer.status
        switch status {
        case 200..<300:
            guard let json = answer.json else {
                throw StepError(.transient(), "\(subject) was answered with \(answer.summary)", httpStatus: status)
            }
            guard let grant = TokenGrant(json) else {
                throw fault(
                    "\(subject) was answered without a usable access_token (\(answer.summary)); check tokenPath "
                        + "and the client of the tenant", status)
            }
            return grant
        case 300..<400:
            throw fault(
                "\(subject) was redirected\(answer.redirectTarget(from: configuration.tokenURL)), which is not "
                    + "followed with a secret; correct baseUrl or tokenPath of the tenant", status)
        case 400, 401, 403:
            throw fault(
                "\(subject) was refused: \(answer.summary); check clientId, clientSecret and scope of the "
                    + "tenant", status)
        case 408, 425, 500...:
            throw StepError(.transient(), "\(subject) was answered with \(answer.summary)", httpStatus: status)
        default:
            throw fault("\(subject) was answered with \(answer.summary); check tokenPath of the tenant", status)
        }
    }

    private func request(_ secrets: Secrets) -> HTTPRequest {
        var pairs = [
            (name: "grant_type", value: "client_credentials"), (name: "client_id", value: configuration.clientID),
            (name: "client_secret", value: secrets.clientSecret),
        ]
        if let scope = configuration.scope { pairs.append((name: "scope", value: scope)) }
        return HTTPRequest(
            method: .post, url: configuration.tokenURL.string,
            headers: [
                "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
            ], body: .bytes(FormEncoding.bytes(of: pairs)),
            timeouts: HTTPTimeouts(
                connect: configuration.timeouts.connect, response: configuration.timeouts.request,
                stall: configuration.timeouts.request),
            trust: TLSTrust(caFile: configuration.caFile))
    }

    private func read(_ source: SecretSource, _ what: String) async throws(StepError) -> String {
        let text: String
        do {
            text = try await source.read()
        } catch {
            throw fault("the \(what) of \(tenant) cannot be read: \(error)")
        }
        guard !text.isEmpty else { throw fault("the \(what) of \(tenant) is empty; set it") }
        return text
    }

    private func fault(_ message: String, _ status: Int? = nil) -> StepError {
        StepError(.surroundings(.tenant(configuration.name)), message, httpStatus: status)
    }

    private var tenant: String { "tenant \(configuration.name)" }
    private var subject: String { "the token request of \(tenant) to \(configuration.tokenURL.redacted)" }
}
