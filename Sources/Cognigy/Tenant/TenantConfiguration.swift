// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// What a tenant's client has to know, checked.
package struct TenantConfiguration: Sendable {
    /// How long the calls of a tenant may take.
    package struct Timeouts: Sendable, Hashable {
        /// Name resolution, TCP and TLS together.
        package var connect: Duration
        /// A whole call, from the request to the last byte of the answer.
        package var request: Duration
        /// The call that starts an export job, which may take its time.
        package var exportRequest: Duration
        /// The head of a download; where artifacts are kept the first byte can take longer than an API's answer.
        package var downloadHead: Duration
        /// The longest silence of a download.
        package var stall: Duration

        /// Sets all five; defaults 10 s, 10 s, 15 s, 30 s and 60 s.
        package init(
            connect: Duration = .seconds(10), request: Duration = .seconds(10),
            exportRequest: Duration = .seconds(15), downloadHead: Duration = .seconds(30),
            stall: Duration = .seconds(60)
        ) {
            self.connect = connect
            self.request = request
            self.exportRequest = exportRequest
            self.downloadHead = downloadHead
            self.stall = stall
        }
    }

    /// The path of the token endpoint where none is configured.
    package static let defaultTokenPath = "/api/v1/auth/oauth/token"

    package let name: String
    /// Scheme, host, port and a path prefix without slash at its end.
    package let base: WebURL
    package let clientID: String
    package let clientSecret: SecretSource
    /// Where tokens are asked for; its origin is the one the client secret is sent to.
    package let tokenURL: WebURL
    package let scope: String?
    /// Sent as `X-API-Key` beside the token where there is one.
    package let apiKey: SecretSource?
    /// Certificate authorities trusted besides the system's, for API and downloads of this tenant.
    package let caFile: String?
    /// Hosts (lower case) that artifacts may come from although their addresses are private.
    package let downloadHosts: Set<String>
    /// The pace kept with this tenant; nil for none.
    package let maxRequestsPerMinute: Int?
    package let timeouts: Timeouts
    /// Who exports, for the metadata of every export job.
    package let exportedBy: String

    /// Checks the URLs; a token path that is itself an absolute URL is taken as such.
    package init(
        name: String, baseURL: String, clientID: String, clientSecret: SecretSource,
        tokenPath: String = TenantConfiguration.defaultTokenPath, scope: String? = nil,
        apiKey: SecretSource? = nil, caFile: String? = nil, downloadHosts: Set<String> = [],
        maxRequestsPerMinute: Int? = nil, timeouts: Timeouts = Timeouts(), exportedBy: String = "automation_service"
    ) throws(CognigyError) {
        let base = try Self.parse(baseURL, "base URL", of: name)
        self.name = name
        self.base = base
        self.clientID = clientID
        self.clientSecret = clientSecret
        let isAbsolute = tokenPath.contains("://")
        let separator = tokenPath.hasPrefix("/") ? "" : "/"
        tokenURL = try Self.parse(
            isAbsolute ? tokenPath : Self.prefix(of: base) + separator + tokenPath, "token URL", of: name)
        self.scope = scope
        self.apiKey = apiKey
        self.caFile = caFile
        self.downloadHosts = Set(downloadHosts.map { $0.lowercased() })
        self.maxRequestsPerMinute = maxRequestsPerMinute.map { max(1, $0) }
        self.timeouts = timeouts
        self.exportedBy = exportedBy
    }

    /// What every API path is appended to: the base without a slash at its end.
    var apiPrefix: String { Self.prefix(of: base) }

    /// The base as references in answers are resolved against: with a slash at its end.
    var resolutionBase: String { apiPrefix + "/" }

    private static func prefix(of base: WebURL) -> String {
        var path = base.path[...]
        while path.hasSuffix("/") { path = path.dropLast() }
        return "\(base.scheme)://\(base.authority)\(path)"
    }

    private static func parse(_ text: String, _ what: String, of tenant: String) throws(CognigyError) -> WebURL {
        let url: WebURL
        do {
            url = try WebURL(text)
        } catch {
            throw CognigyError(.invalidURL, "the \(what) of tenant \(tenant) cannot be used: \(error.message)")
        }
        guard url.query == nil, !url.hasUserInfo else {
            throw CognigyError(
                .invalidURL,
                "the \(what) of tenant \(tenant) (\(url.redacted)) has a query or user information; "
                    + "leave them out")
        }
        return url
    }
}
