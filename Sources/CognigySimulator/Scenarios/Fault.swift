// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One way in which an endpoint misbehaves, and how often. Every field is optional; an empty fault changes nothing.
///
/// Faults of an endpoint are tried in order; the first that still applies to the request is played. They count per
/// model and version (at the token endpoint: per client).
package struct Fault: Sendable, Hashable, Codable {
    /// Lets this many requests pass before the first fault.
    package var after: Int?
    /// How many requests are hit; without it all of them.
    package var times: Int?
    /// Hits this share of the requests (0 to 1), scattered, the same ones in every run.
    package var share: Double?
    /// Hits only the first so many jobs of a model version; on `poll` and `download`.
    package var jobs: Int?
    /// Waits this long before anything is answered.
    package var delay: HumanDuration?
    /// The status answered in place of the right answer.
    package var status: Int?
    /// The `Retry-After` header: `"3"` seconds, `"date:3"` an HTTP date 3 s ahead, anything else as it stands.
    package var retryAfter: String?
    /// The body of the answer; a JSON error by default.
    package var body: FaultBody?
    /// Further headers of the answer.
    package var headers: [String: String]?
    /// Answers nothing at all.
    package var transport: Transport?
    /// Whether the request is carried out although its answer is replaced; `before` by default.
    package var effect: Effect?
    /// The bearer token of the request is worth nothing from now on.
    package var revokesToken: Bool?
    /// What is wrong with the bytes; on `download` only.
    package var content: ContentFault?

    /// Which rule this fault came from; its counters are kept under this name.
    var name = ""

    /// Makes a fault of the fields given.
    package init(
        after: Int? = nil, times: Int? = nil, share: Double? = nil, jobs: Int? = nil, delay: HumanDuration? = nil,
        status: Int? = nil, retryAfter: String? = nil, body: FaultBody? = nil, headers: [String: String]? = nil,
        transport: Transport? = nil, effect: Effect? = nil, revokesToken: Bool? = nil, content: ContentFault? = nil
    ) {
        self.after = after
        self.times = times
        self.share = share
        self.jobs = jobs
        self.delay = delay
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
        self.headers = headers
        self.transport = transport
        self.effect = effect
        self.revokesToken = revokesToken
        self.content = content
    }

    private enum CodingKeys: String, CodingKey {
        case after, times, share, jobs, delay, status, retryAfter, body, headers, transport, effect, revokesToken
        case content
    }
}

/// What happens to a connection that gets no answer.
package enum Transport: String, Sendable, Hashable, Codable {
    /// Closed in an orderly way, without a byte (FIN).
    case close
    /// Torn down (RST).
    case reset
    /// Left open, silent, until the client gives up.
    case hang
}

/// Whether a request with a replaced answer has had its effect.
package enum Effect: String, Sendable, Hashable, Codable {
    /// Nothing was done.
    case before
    /// Everything was done; only the answer is lost.
    case after
}

/// What the body of a replaced answer holds. In JSON: `"json"`, `"html"`, `"empty"`, `"raw:…"` or `"text:…"`.
package enum FaultBody: Sendable, Hashable {
    /// A JSON object with `error` and `message`.
    case json
    /// An HTML page as a gateway would send it.
    case html
    /// Nothing.
    case empty
    /// These very characters, said to be JSON.
    case raw(String)
    /// These very characters, said to be plain text.
    case text(String)
}

extension FaultBody: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        switch text {
        case "json": self = .json
        case "html": self = .html
        case "empty": self = .empty
        default:
            if text.hasPrefix("raw:") {
                self = .raw(String(text.dropFirst(4)))
            } else if text.hasPrefix("text:") {
                self = .text(String(text.dropFirst(5)))
            } else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription: "a body is \"json\", \"html\", \"empty\", \"raw:…\" or \"text:…\"")
            }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .json: try container.encode("json")
        case .html: try container.encode("html")
        case .empty: try container.encode("empty")
        case .raw(let text): try container.encode("raw:" + text)
        case .text(let text): try container.encode("text:" + text)
        }
    }
}

/// What is wrong with the bytes of a download.
package struct ContentFault: Sendable, Hashable, Codable {
    /// The kinds of broken bodies.
    package enum Kind: String, Sendable, Hashable, Codable {
        /// `Content-Length: 0` and no byte.
        case empty
        /// The whole length announced, the connection closed early.
        case truncated
        /// The whole length announced, the connection torn down (RST) early.
        case reset
        /// The whole length announced, then silence.
        case stalled
        /// More bytes sent than announced.
        case longer
    }

    /// The kind of damage.
    package var kind: Kind
    /// Where it happens, in bytes from the start of this answer; half way by default. For `longer`: how many too many.
    package var at: ByteSize?

    /// Makes a description of damage.
    package init(_ kind: Kind, at: ByteSize? = nil) {
        self.kind = kind
        self.at = at
    }
}
