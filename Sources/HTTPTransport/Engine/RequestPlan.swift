// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A checked request with every decision made that does not need libcurl, so that the loop's thread only carries it
/// out.
struct RequestPlan: Sendable {
    let method: HTTPMethod
    let url: WebURL
    /// Lines for `CURLOPT_HTTPHEADER`.
    let headerLines: [String]
    let body: HTTPRequestBody
    let timeouts: HTTPTimeouts
    let maximumResponseBytes: Int
    let trust: TLSTrust
    /// Whether addresses have to be public ones.
    let isRestricted: Bool
    /// The proxy to use; empty for none.
    let proxy: String
    /// Whether the body of the answer is read as it is asked for.
    let isStreamed: Bool
    /// Whether the body waits for the server's go-ahead.
    let asksFirst: Bool

    /// Checks a request. Errors: `invalidRequest`, `addressRefused` for a literal address.
    init(
        _ request: HTTPRequest, isStreamed: Bool, configuration: HTTPClientConfiguration, proxies: ProxyEnvironment
    ) throws(HTTPError) {
        let url = try WebURL(request.url)
        guard !url.hasUserInfo else {
            throw .invalid(request.method, url, "the URL holds a user name; credentials go into a header")
        }
        if request.body.count > 0, request.method == .get || request.method == .head {
            throw .invalid(request.method, url, "a \(request.method.rawValue) carries no body")
        }
        let proxy = proxies.proxy(for: url)
        isRestricted = try Self.checkTarget(url, request, isProxied: proxy != nil)
        self.url = url
        self.proxy = proxy ?? ""
        method = request.method
        body = request.body
        timeouts = request.timeouts
        maximumResponseBytes = request.maximumResponseBytes
        trust = request.trust
        self.isStreamed = isStreamed
        asksFirst = request.body.count > 0 && request.body.count >= configuration.expectContinueThreshold
        headerLines = try Self.lines(request, url: url, asksFirst: asksFirst)
    }

    private init(_ other: RequestPlan, asksFirst: Bool) {
        method = other.method
        url = other.url
        headerLines = other.headerLines.filter { !$0.hasPrefix("Expect:") } + (asksFirst ? [] : ["Expect:"])
        body = other.body
        timeouts = other.timeouts
        maximumResponseBytes = other.maximumResponseBytes
        trust = other.trust
        isRestricted = other.isRestricted
        proxy = other.proxy
        isStreamed = other.isStreamed
        self.asksFirst = asksFirst
    }

    /// The body, where it is so small that copying it costs less than sending it separately.
    var bodySentWithHead: [UInt8]? {
        guard method == .put || method == .post, !asksFirst, case .bytes(let bytes) = body, !bytes.isEmpty,
            bytes.count <= Self.largestBodySentWithHead
        else { return nil }
        return bytes
    }

    private static let largestBodySentWithHead = 16 << 10

    /// The same request without `Expect: 100-continue`, for a server that answered 417.
    func withoutAsking() -> RequestPlan { RequestPlan(self, asksFirst: false) }

    /// Decides whether connected addresses are to be checked; refuses literal targets at once.
    ///
    /// Through a proxy the connected address is the proxy's, which the operator chose: it is not checked. What can be
    /// checked is then the target as written, so literals and names of the local host are still refused; a name that
    /// resolves to a private address is the proxy's to refuse.
    private static func checkTarget(
        _ url: WebURL, _ request: HTTPRequest, isProxied: Bool
    ) throws(HTTPError) -> Bool {
        guard case .publicOnly(let allowed) = request.addressPolicy, !allowed.contains(url.host) else { return false }
        let isLocalName = url.host == "localhost" || url.host.hasSuffix(".localhost")
        if isLocalName || IPAddress(url.host)?.isPublic == false { throw .refusedAddress(request.method, url) }
        return !isProxied
    }
}

extension RequestPlan {
    /// Renders the header fields, minus those the body decides, plus what keeps libcurl from adding its own.
    private static func lines(
        _ request: HTTPRequest, url: WebURL, asksFirst: Bool
    ) throws(HTTPError) -> [String] {
        var lines: [String] = []
        var hasContentType = false
        for (name, value) in request.headers {
            guard isToken(name), isFieldValue(value) else {
                throw .invalid(
                    request.method, url, "header field \(name.prefix(64).filter(\.isASCII)) is not well-formed")
            }
            switch name.lowercased() {
            case "content-length", "transfer-encoding", "expect": continue
            case "content-type": hasContentType = true
            default: break
            }
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        if request.method == .post || request.method == .put, !hasContentType { lines.append("Content-Type:") }
        if asksFirst {
            lines.append("Expect: 100-continue")
        } else if request.method != .get, request.method != .head {
            lines.append("Expect:")
        }
        return lines
    }

    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func isFieldValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
    }
}
