// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Where a completed job says that its artifact is.
package struct LinkBehaviour: Sendable, Hashable, Codable {
    /// The kinds of link.
    package enum Kind: String, Sendable, Hashable, Codable {
        /// On the API's own origin: wants the bearer token.
        case own
        /// The same, as a path without scheme and host.
        case relative
        /// On the download host, signed by its query: wants no token.
        case signed
    }

    /// The kind of link.
    package var kind: Kind?
    /// A URL of any form instead; `{api}` and `{download}` stand for the two base URLs.
    package var url: String?
    /// `downloadUrl` is missing in the first so many answers that say `COMPLETED`.
    package var missing: Int?
    /// How long the signature of a link is good for.
    package var lifetime: HumanDuration?

    /// Makes a behaviour of the fields given.
    package init(
        kind: Kind? = nil, url: String? = nil, missing: Int? = nil, lifetime: HumanDuration? = nil
    ) {
        self.kind = kind
        self.url = url
        self.missing = missing
        self.lifetime = lifetime
    }
}

/// What the artifact's URL does.
package struct DownloadBehaviour: Sendable, Hashable, Codable {
    /// Misbehaviour, tried in order, after redirects.
    package var faults: [Fault]?
    /// Sends the client elsewhere first.
    package var redirect: Redirect?
    /// Sends no `Content-Length` (chunked transfer coding) and ignores `Range`.
    package var chunked: Bool?
    /// Sends at most so many bytes a second.
    package var rate: ByteSize?
    /// Ignores `Range`.
    package var ignoresRange: Bool?

    /// Makes a behaviour of the fields given.
    package init(
        faults: [Fault]? = nil, redirect: Redirect? = nil, chunked: Bool? = nil, rate: ByteSize? = nil,
        ignoresRange: Bool? = nil
    ) {
        self.faults = faults
        self.redirect = redirect
        self.chunked = chunked
        self.rate = rate
        self.ignoresRange = ignoresRange
    }
}

/// Redirects in front of an artifact.
package struct Redirect: Sendable, Hashable, Codable {
    /// Where a redirect leads.
    package enum Target: String, Sendable, Hashable, Codable {
        /// To the API's own origin.
        case own
        /// To the download host.
        case download
        /// Back to itself, without end.
        case loop
    }

    /// How many redirects come before the bytes; 1 by default.
    package var hops: Int?
    /// Where they lead; the download host by default.
    package var to: Target?
    /// A `Location` of any form instead; `{api}` and `{download}` stand for the two base URLs.
    package var url: String?
    /// The status; 302 by default.
    package var status: Int?

    /// Makes a redirect.
    package init(hops: Int? = nil, to: Target? = nil, url: String? = nil, status: Int? = nil) {
        self.hops = hops
        self.to = to
        self.url = url
        self.status = status
    }
}
