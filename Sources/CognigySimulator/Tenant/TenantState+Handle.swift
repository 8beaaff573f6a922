// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One authenticated request on its way through an endpoint.
struct Call {
    var request: SimulatorRequest
    var now: Moment
    var subject = Subject()
    var token: String?
}

extension TenantState {
    /// Answers a request and writes it down.
    mutating func handle(_ request: SimulatorRequest, at now: Moment) -> Reply {
        let route = Route(path: request.path, basePath: configuration.basePath, listener: request.listener)
        if case .admin(let path) = route { return Reply(admin(path, request, at: now)) }
        requestNumber += 1
        var call = Call(request: request, now: now, subject: subject(of: route, request))
        if request.listener == .download { noteLeaks(request) }
        var reply = wholeTenantFault(request.listener, now) ?? answer(route, &call)
        if case .answer(var answer) = reply.outcome {
            answer.headers.append(("X-Request-Id", "sim-\(requestNumber)"))
            reply.outcome = .answer(answer)
        }
        write(call, route.endpoint, reply)
        return reply
    }

    private mutating func answer(_ route: Route, _ call: inout Call) -> Reply {
        switch (route, call.request.method) {
        case (.token, "POST"): return issueToken(call)
        case (.version(let model, let version), "GET"):
            return authorized(&call) { $0.versionPage(model: model, version: version, $1) }
        case (.exports(let model), "POST"):
            return authorized(&call, scope: "nlu:models:export", endpoint: .trigger) { $0.export(model: model, $1) }
        case (.job(let id), "GET"):
            return authorized(&call, scope: "jobs:read") { $0.jobPage(id, $1) }
        case (.artifact(let job), "GET"), (.artifact(let job), "HEAD"):
            guard call.request.listener == .api else { return download(job: job, call) }
            return authorized(&call, scope: "artifacts:download") { $0.download(job: job, $1) }
        case (.unknown, _), (.admin, _):
            return Reply(.error(404, "not_found", "no such path"))
        default:
            return Reply(.error(405, "method_not_allowed", "this path does not take \(call.request.method)"))
        }
    }

    /// Checks the bearer token and its scope, then goes on.
    private mutating func authorized(
        _ call: inout Call, scope: String? = nil, endpoint: Endpoint? = nil,
        _ next: (inout TenantState, Call) -> Reply
    ) -> Reply {
        guard let bearer = call.request.bearer, let token = tokens[bearer], token.expiresAt > call.now.elapsed,
            !faults.tokensRefused
        else {
            let message = call.request.bearer == nil ? "bearer token missing" : "token unknown, expired or revoked"
            return Reply(
                .error(401, "invalid_token", message).with("WWW-Authenticate", #"Bearer error="invalid_token""#))
        }
        call.subject.client = token.client
        call.token = bearer
        if let scope, !token.scopes.contains(scope) || faults.missingScopes.contains(scope) {
            return Reply(.error(403, "insufficient_scope", "scope \(scope) is missing"))
        }
        return next(&self, call)
    }

    private mutating func wholeTenantFault(_ listener: Listener, _ now: Moment) -> Reply? {
        if faults.hanging { return Reply(.hang) }
        if faults.unavailable { return Reply(.error(503, "unavailable", "the tenant is down for maintenance")) }
        guard listener == .api else { return nil }
        if faults.wrongBasePath { return Reply(.error(404, "not_found", "no such path")) }
        guard let limit = configuration.requestsPerMinute else { return nil }
        let minute = Int(now.elapsed.inSeconds / 60)
        window = minute == window.minute ? (minute, window.requests + 1) : (minute, 1)
        guard window.requests > limit else { return nil }
        let wait = 60 - Int(now.elapsed.inSeconds) % 60
        return Reply(.error(429, "too_many_requests", "rate limit exceeded").with("Retry-After", "\(wait)"))
    }

    private func subject(of route: Route, _ request: SimulatorRequest) -> Subject {
        switch route {
        case .version(let model, let version): Subject(model: model, version: version)
        case .exports(let model): Subject(model: model)
        case .job(let id), .artifact(let id): Subject(model: jobs[id]?.model, version: jobs[id]?.version)
        default: Subject()
        }
    }
}
