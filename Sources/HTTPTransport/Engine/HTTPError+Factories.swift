// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl

extension HTTPError {
    static func invalid(_ method: HTTPMethod, _ url: WebURL, _ why: String) -> HTTPError {
        HTTPError(code: .invalidRequest, message: "\(method.rawValue) \(url.redacted) was not made: \(why)")
    }

    static func refusedAddress(_ method: HTTPMethod, _ url: WebURL) -> HTTPError {
        HTTPError(
            code: .addressRefused,
            message: "\(method.rawValue) \(url.redacted) was not made: \(url.host) is not a public address; "
                + "allow the host by name if it is meant to be reached")
    }

    static let shutDown = HTTPError(code: .shutDown, message: "the HTTP client has been shut down")

    static func ofPlan(
        _ plan: RequestPlan, _ code: Code, _ what: String, underlying: String? = nil, isRetriable: Bool? = nil,
        wasSent: Bool
    ) -> HTTPError {
        HTTPError(
            code: code, message: "\(plan.method.rawValue) \(plan.url.redacted): \(what)", underlying: underlying,
            isRetriable: isRetriable, wasSent: wasSent)
    }

    /// Translates what libcurl reports at the end of a transfer. `text` is the content of its error buffer.
    static func ofCurl(_ result: CURLcode, text: String, plan: RequestPlan, wasSent: Bool, hasHead: Bool) -> HTTPError {
        let meaning = Meaning(result, text: text, wasSent: wasSent, hasHead: hasHead)
        let words = text.isEmpty ? unsafe String(cString: curl_easy_strerror(result)) : text
        return ofPlan(
            plan, meaning.code, meaning.what, underlying: "curl \(result.rawValue): \(cleaned(words))",
            isRetriable: meaning.isRetriable, wasSent: wasSent)
    }

    /// Cuts queries and user information out of a text that may hold URLs, replaces control characters, bounds it.
    static func cleaned(_ text: String, limit: Int = 200) -> String {
        var result = ""
        var isSkipping = false
        for character in text.unicodeScalars.prefix(limit) {
            if character == "?" || character == "#" {
                result += isSkipping ? "" : "?…"
                isSkipping = true
            } else if isSkipping, !(character == " " || character == "'" || character == "\"") {
                continue
            } else {
                isSkipping = false
                result.unicodeScalars.append(character.value < 0x20 || character.value == 0x7F ? " " : character)
            }
        }
        return withoutUserInfo(result)
    }

    private static func withoutUserInfo(_ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: false).map { word in
            guard let at = word.lastIndex(of: "@"), let slashes = word.firstRange(of: "//") else { return String(word) }
            guard slashes.upperBound <= at else { return String(word) }
            return String(word[..<slashes.upperBound] + word[word.index(after: at)...])
        }.joined(separator: " ")
    }
}

/// What a libcurl result means to us.
private struct Meaning {
    var code: HTTPError.Code
    var what: String
    var isRetriable: Bool?

    init(_ result: CURLcode, text: String, wasSent: Bool, hasHead: Bool) {
        // Two faults of the peer that libcurl reports under another name; the second is a header line over 100 KiB.
        let isGarbled = result == CURLE_RECV_ERROR && text.hasSuffix("in chunked-encoding")
        let isHeaderTooLong = result == CURLE_OUT_OF_MEMORY && wasSent && !hasHead
        self.init(isGarbled || isHeaderTooLong ? CURLE_WEIRD_SERVER_REPLY : result, wasSent: wasSent, hasHead: hasHead)
    }

    private init(_ result: CURLcode, wasSent: Bool, hasHead: Bool) {
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            self.init(.resolve, "the host's name could not be resolved; check the name and the resolver")
        case CURLE_COULDNT_CONNECT:
            self.init(.connect, "no connection could be made; check that the host listens and is reachable")
        case CURLE_OPERATION_TIMEDOUT:
            let what = wasSent ? "no whole answer came in time" : "no connection was made in time"
            self.init(.timeout, "\(what); the host is slow or unreachable")
        case CURLE_PARTIAL_FILE:
            self.init(.truncated, "the answer's body ended before its announced end")
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SEND_FAIL_REWIND:
            self.init(
                .reset, hasHead ? "the connection broke within the answer" : "the connection broke, no answer came")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            self.init(.malformed, "what came is not an HTTP answer; check what listens there")
        case CURLE_URL_MALFORMAT, CURLE_LOGIN_DENIED:
            self.init(.invalidRequest, "the URL is not usable")
        case CURLE_OUT_OF_MEMORY:
            self.init(.internal, "libcurl has no memory", isRetriable: true)
        default:
            self = Self.ofTLS(result) ?? Meaning(.internal, "libcurl failed")
        }
    }

    private init(_ code: HTTPError.Code, _ what: String, isRetriable: Bool? = nil) {
        self.code = code
        self.what = what
        self.isRetriable = isRetriable
    }

    private static func ofTLS(_ result: CURLcode) -> Meaning? {
        switch result {
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_SHUTDOWN_FAILED:
            // A handshake also fails when the connection breaks in it, so it is worth repeating.
            Meaning(.tls, "the TLS handshake failed", isRetriable: true)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            Meaning(.tls, "the server's certificate is not trusted; check its name, its dates and the CA file")
        case CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE:
            Meaning(.tls, "the CA file cannot be read")
        case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CLIENTCERT:
            Meaning(.tls, "the client certificate or its key cannot be used")
        case CURLE_SSL_CIPHER, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED,
            CURLE_USE_SSL_FAILED, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            Meaning(.tls, "TLS cannot be set up")
        default: nil
        }
    }
}
