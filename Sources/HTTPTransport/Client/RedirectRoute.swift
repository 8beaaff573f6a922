// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Where a request goes next when it is redirected: every rule of `RedirectPolicy`, without any I/O.
struct RedirectRoute {
    /// The request as it is to be made next.
    private(set) var request: HTTPRequest
    private let policy: RedirectPolicy
    private var visited: Set<String> = []
    private var hops = 0

    init(request: HTTPRequest, policy: RedirectPolicy) {
        self.request = request
        self.policy = policy
    }

    /// Looks at an answer to `request`; `true` when another request is to be made. Error: `redirectRefused`.
    mutating func follow(_ head: ResponseHead, from url: WebURL) throws(HTTPError) -> Bool {
        guard [301, 302, 303, 307, 308].contains(head.status), let location = head.headers["location"],
            request.method == .get || request.method == .head
        else { return false }
        visited.insert(url.string)
        hops += 1
        guard hops <= policy.maximum else {
            throw refused(url, "after \(policy.maximum) redirects there is another one")
        }
        let next = try target(location, from: url)
        guard !visited.contains(next.string) else { throw refused(url, "it redirects in a circle") }
        if next.origin != url.origin { dropCredentials() }
        request.url = next.string
        return true
    }

    private func target(_ location: String, from url: WebURL) throws(HTTPError) -> WebURL {
        let next: WebURL
        do {
            next = try url.resolving(relative: location)
        } catch {
            throw refused(url, "its target cannot be followed: \(error.message)")
        }
        guard !next.hasUserInfo else { throw refused(url, "its target holds a user name") }
        guard url.scheme == "http" || next.scheme == "https" else {
            throw refused(url, "it leads from https to http, to \(next.redacted)")
        }
        return next
    }

    /// Once dropped, credentials stay dropped, also when a later redirect leads back to their origin: by then
    /// somebody else has chosen the target.
    private mutating func dropCredentials() {
        for name in policy.credentialHeaders.union(RedirectPolicy.alwaysCredentials) { request.headers[name] = nil }
        request.trust.clientCertificateFile = nil
        request.trust.clientKeyFile = nil
    }

    private func refused(_ url: WebURL, _ why: String) -> HTTPError {
        HTTPError(
            code: .redirectRefused,
            message: "the redirect from \(url.redacted) was not followed: \(why); check the link's issuer",
            wasSent: true)
    }
}
