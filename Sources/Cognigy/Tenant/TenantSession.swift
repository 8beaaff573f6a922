// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// Makes the calls of one tenant: paced, authorized, bounded, and repeated once with a fresh token after a 401.
struct TenantSession: Sendable {
    let configuration: TenantConfiguration
    let transport: any CognigyTransport
    let gate: TenantGate
    let tokens: TokenProvider
    let clock: TenantClock

    /// Sends the call and returns its answer, whose status is neither 401, 429 nor a redirect.
    func send(_ call: APICall, context: CallContext) async throws(StepError) -> Answer {
        let first = try await attempt(call, context)
        guard first.answer.status == 401 else { return try followingNoRedirect(first.answer, to: call) }
        tokens.invalidate(first.credentials)
        let second = try await attempt(call, context)
        guard second.answer.status == 401 else { return try followingNoRedirect(second.answer, to: call) }
        tokens.invalidate(second.credentials)
        throw StepError(
            .surroundings(.tenant(configuration.name)),
            "\(call.subject) was answered with \(second.answer.summary) although the access token was fresh; check the "
                + "service account of the tenant", httpStatus: 401)
    }

    private func attempt(
        _ call: APICall, _ context: CallContext
    ) async throws(StepError) -> (answer: Answer, credentials: Credentials) {
        let sentAt = try await gate.pass()
        let credentials = try await tokens.credentials()
        let response: HTTPResponse
        do {
            response = try await transport.exchange(request(call, credentials, context))
        } catch {
            throw TransportFailure(subject: call.subject, tenant: configuration.name, redactor: tokens.redactor)
                .stepError(for: error, isRepeatable: call.isRepeatable)
        }
        try note(response.status, response.headers, sentAt: sentAt, subject: call.subject)
        return (Answer(response, redactor: tokens.redactor), credentials)
    }

    /// Lets the gate know how a call was answered; throws `throttled` for a 429.
    func note(
        _ status: Int, _ headers: HTTPHeaders, sentAt: Duration, subject: String
    ) throws(StepError) {
        guard status == 429 else { return gate.answered(sentAt: sentAt) }
        let wait = RetryAfter.wait(in: headers, wallSeconds: clock.wallSeconds())
        gate.throttled(retryAfter: wait, sentAt: sentAt)
        throw StepError(
            .throttled(retryAfter: wait),
            "\(subject) was answered with 429; the tenant is called more slowly (maxRequestsPerMinute sets a pace)",
            httpStatus: 429)
    }

    private func request(_ call: APICall, _ credentials: Credentials, _ context: CallContext) -> HTTPRequest {
        var headers = RequestHeaders.context(context)
        headers["Accept"] = "application/json"
        headers["Content-Type"] = "application/json"
        headers["Idempotency-Key"] = call.idempotencyKey
        RequestHeaders.add(credentials, to: &headers)
        return HTTPRequest(
            method: call.method, url: configuration.apiPrefix + call.path, headers: headers,
            body: call.body.map { .bytes($0) } ?? .none,
            timeouts: HTTPTimeouts(
                connect: configuration.timeouts.connect, response: call.timeout, stall: call.timeout),
            trust: TLSTrust(caFile: configuration.caFile))
    }

    private func followingNoRedirect(_ answer: Answer, to call: APICall) throws(StepError) -> Answer {
        guard (300..<400).contains(answer.status) else { return answer }
        throw StepError(
            .permanent(.exportRefused),
            "\(call.subject) was redirected (\(answer.status))\(answer.redirectTarget(from: configuration.base)), "
                + "which API calls do not follow; correct baseUrl of the tenant", httpStatus: answer.status)
    }
}
