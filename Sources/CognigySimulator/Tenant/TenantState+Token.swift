// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TenantState {
    private struct TokenAnswer: Encodable {
        var access_token: String
        var token_type = "Bearer"
        var expires_in: JSONValue?
        var scope: String
    }

    /// `POST /api/v1/auth/oauth/token`
    mutating func issueToken(_ call: Call) -> Reply {
        let text = String(decoding: call.request.body, as: UTF8.self)
        let fields = PercentCoding.fields(text, plusIsBlank: true)
        var call = call
        call.subject.client = fields["client_id"]
        let behaviour = behaviour(for: call.subject).token
        return play(behaviour?.faults, call) { state, _ in
            Reply(state.token(for: fields, call, behaviour))
        }
    }

    private mutating func token(
        for fields: [String: String], _ call: Call, _ behaviour: TokenBehaviour?
    ) -> Answer {
        let type = call.request.header("content-type")?.lowercased() ?? ""
        guard type.hasPrefix("application/x-www-form-urlencoded") else {
            return Self.oauthError(400, "invalid_request", "the body must be form-urlencoded")
        }
        guard fields["grant_type"] == "client_credentials" else {
            return Self.oauthError(400, "unsupported_grant_type", "only client_credentials is supported")
        }
        guard let client = fields["client_id"], isKnown(client), !faults.credentialsRefused,
            fields["client_secret"] == faults.clientSecret ?? configuration.clientSecret
        else {
            return Self.oauthError(401, "invalid_client", "unknown client or wrong secret")
        }
        let asked = fields["scope"].map { $0.split(separator: " ").map(String.init) } ?? configuration.scopes
        guard asked.allSatisfy(configuration.scopes.contains) else {
            return Self.oauthError(400, "invalid_scope", "the client does not have every scope asked for")
        }
        return issue(to: client, scopes: asked, call.now, behaviour)
    }

    private mutating func issue(
        to client: String, scopes: [String], _ now: Moment, _ behaviour: TokenBehaviour?
    ) -> Answer {
        if tokens.count > 10_000 { tokens = tokens.filter { $0.value.expiresAt > now.elapsed } }
        let lifetime = behaviour?.lifetime?.duration ?? configuration.tokenLifetime
        let token = mint(Self.tokenPrefix)
        tokens[token] = Token(client: client, scopes: scopes, expiresAt: now.elapsed + lifetime)
        log.tokensIssued += 1
        let seconds = JSONValue.integer(Int(lifetime.components.seconds))
        let expiresIn = behaviour?.omitsExpiresIn == true ? nil : behaviour?.expiresIn ?? seconds
        let granted = scopes.filter { !faults.missingScopes.contains($0) }.joined(separator: " ")
        return .json(
            200, TokenAnswer(access_token: token, expires_in: expiresIn, scope: granted)
        ).with("Cache-Control", "no-store")
    }

    private func isKnown(_ client: String) -> Bool {
        client == configuration.clientID || client.hasPrefix("scenario-")
    }

    private static func oauthError(_ status: Int, _ error: String, _ description: String) -> Answer {
        .json(status, ["error": error, "error_description": description])
    }
}
