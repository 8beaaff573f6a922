// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl

extension WebURL {
    /// Reads an absolute http or https URL; anything else is `invalidRequest`.
    package init(_ text: String) throws(HTTPError) {
        let handle = try ParsedURL()
        try handle.set(text, flags: UInt32(CURLU_PATH_AS_IS))
        try self.init(handle)
    }

    /// Resolves a reference such as a `Location` value against this URL; what is not http or https is refused.
    ///
    /// Blanks and bytes outside ASCII, which servers do send, are encoded (a blank in the query as `+`); what is
    /// encoded already stays as it is.
    package func resolving(relative reference: String) throws(HTTPError) -> WebURL {
        let handle = try ParsedURL()
        try handle.set(string, flags: UInt32(CURLU_PATH_AS_IS))
        try handle.set(reference, flags: UInt32(CURLU_PATH_AS_IS | CURLU_URLENCODE | CURLU_ALLOW_SPACE))
        return try WebURL(handle)
    }

    private init(_ handle: borrowing ParsedURL) throws(HTTPError) {
        let scheme = handle.part(CURLUPART_SCHEME)?.lowercased() ?? ""
        guard scheme == "http" || scheme == "https" else {
            throw .unusableURL("its scheme is not http or https")
        }
        guard var host = handle.part(CURLUPART_HOST)?.lowercased(), !host.isEmpty else {
            throw .unusableURL("it names no host")
        }
        // Decoded by now: what looks encoded still would be decoded once more on the way out, to another host.
        guard !host.utf8.contains(UInt8(ascii: "%")) else { throw .unusableURL("its host is encoded twice") }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = handle.part(CURLUPART_PORT, flags: UInt32(CURLU_DEFAULT_PORT)).flatMap { Int($0) } ?? 0
        guard (1...65_535).contains(port) else { throw .unusableURL("its port is not one") }
        handle.clearFragment()
        guard let string = handle.part(CURLUPART_URL) else { throw .unusableURL("it cannot be put together again") }
        self.string = string
        self.scheme = scheme
        self.host = host
        self.port = port
        path = handle.part(CURLUPART_PATH) ?? "/"
        query = handle.part(CURLUPART_QUERY)
        hasUserInfo = handle.part(CURLUPART_USER) != nil || handle.part(CURLUPART_PASSWORD) != nil
    }
}

extension HTTPError {
    /// The URL itself is not repeated: what cannot be taken apart cannot be redacted.
    fileprivate static func unusableURL(_ why: String) -> HTTPError {
        HTTPError(code: .invalidRequest, message: "the URL is not usable: \(why); give an absolute http(s) URL")
    }
}

/// Owns a `CURLU`, used within one function only.
@safe
private struct ParsedURL: ~Copyable {
    private let handle: OpaquePointer

    init() throws(HTTPError) {
        guard let handle = unsafe curl_url() else {
            throw HTTPError(code: .internal, message: "libcurl has no memory for a URL", isRetriable: true)
        }
        unsafe self.handle = handle
    }

    deinit { unsafe curl_url_cleanup(handle) }

    func set(_ text: String, flags: UInt32) throws(HTTPError) {
        guard !text.utf8.contains(0) else { throw .unusableURL("it holds a NUL byte") }
        let code = unsafe curl_url_set(handle, CURLUPART_URL, text, flags)
        guard code == CURLUE_OK else {
            throw .unusableURL(unsafe String(cString: curl_url_strerror(code)))
        }
    }

    func clearFragment() {
        _ = unsafe curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0)
    }

    func part(_ part: CURLUPart, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text = unsafe text else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }
}
