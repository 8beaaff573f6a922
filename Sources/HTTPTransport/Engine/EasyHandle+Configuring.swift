// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCurl

extension EasyHandle {
    /// Sets every option of a request on a fresh or reset handle; returns what libcurl refused, if anything.
    func configure(_ plan: RequestPlan, _ configuration: HTTPClientConfiguration) -> CURLcode {
        set(CURLOPT_URL, plan.url.string)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_USERAGENT, configuration.userAgent)
        setHeaders(plan.headerLines)
        unsafe set(CURLOPT_HEADERFUNCTION, function: CurlCallbacks.header)
        unsafe set(CURLOPT_WRITEFUNCTION, function: CurlCallbacks.body)
        configureConnection(plan, configuration)
        configureTLS(plan.trust)
        configureBody(plan, configuration)
        return refusal
    }

    private func configureConnection(_ plan: RequestPlan, _ configuration: HTTPClientConfiguration) {
        set(CURLOPT_NOSIGNAL, 1)
        // Else giving up on a name joins its resolver thread, and with it the whole loop, until the resolver answers.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_PROXY, plan.proxy)
        set(CURLOPT_NOPROXY, "")
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_MAXAGE_CONN, Int(max(1, configuration.maximumIdleAge.components.seconds)))
        set(CURLOPT_CONNECTTIMEOUT_MS, plan.timeouts.connect.milliseconds)
        // A streamed body may take as long as its reader does; the loop measures its phases itself.
        if !plan.isStreamed { set(CURLOPT_TIMEOUT_MS, plan.timeouts.response.milliseconds) }
        if plan.isStreamed { set(CURLOPT_BUFFERSIZE, Self.streamBufferBytes) }
        setConnectionChecks(isRestricted: plan.isRestricted)
    }

    private func configureTLS(_ trust: TLSTrust) {
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = trust.caFile { set(CURLOPT_CAINFO, file) }
        if let file = trust.clientCertificateFile { set(CURLOPT_SSLCERT, file) }
        if let file = trust.clientKeyFile { set(CURLOPT_SSLKEY, file) }
    }

    private func configureBody(_ plan: RequestPlan, _ configuration: HTTPClientConfiguration) {
        let count = plan.body.count
        if let bytes = plan.bodySentWithHead {
            setBody(bytes)
            if plan.method == .put { set(CURLOPT_CUSTOMREQUEST, HTTPMethod.put.rawValue) }
            return
        }
        switch plan.method {
        case .get: set(CURLOPT_HTTPGET, 1)
        case .head: set(CURLOPT_NOBODY, 1)
        case .put: configureUpload(count)
        case .post:
            set(CURLOPT_POST, 1)
            unsafe set(CURLOPT_POSTFIELDS, pointer: nil)
            set(CURLOPT_POSTFIELDSIZE_LARGE, offset: count)
        case .delete:
            if count > 0 { configureUpload(count) }
            set(CURLOPT_CUSTOMREQUEST, HTTPMethod.delete.rawValue)
        }
        guard plan.method == .put || plan.method == .post || count > 0 else { return }
        unsafe set(CURLOPT_READFUNCTION, function: CurlCallbacks.read)
        setSeekFunction()
        if count <= Self.smallBufferBytes { set(CURLOPT_UPLOAD_BUFFERSIZE, Self.smallBufferBytes) }
        if count >= Self.largeBodyBytes { set(CURLOPT_UPLOAD_BUFFERSIZE, Self.uploadBufferBytes) }
        if plan.asksFirst {
            set(CURLOPT_EXPECT_100_TIMEOUT_MS, configuration.expectContinueTimeout.milliseconds)
        }
    }

    /// A body that libcurl copies and sends in one piece with the head, where the read callback costs a second one.
    private func setBody(_ bytes: [UInt8]) {
        set(CURLOPT_POST, 1)
        set(CURLOPT_POSTFIELDSIZE_LARGE, offset: bytes.count)
        unsafe bytes.withUnsafeBytes { body in
            unsafe set(CURLOPT_COPYPOSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: body.baseAddress))
        }
    }

    private func configureUpload(_ count: Int) {
        set(CURLOPT_UPLOAD, 1)
        set(CURLOPT_INFILESIZE_LARGE, offset: count)
    }

    /// What libcurl reads at once from the socket of a streamed answer.
    static let streamBufferBytes = 512 << 10
    /// The smallest upload buffer libcurl takes; enough for a small body.
    static let smallBufferBytes = 16 << 10
    /// From here on a body is sent through a large buffer.
    static let largeBodyBytes = 512 << 10
    /// The largest libcurl takes; measured a tenth cheaper than 1 MiB.
    static let uploadBufferBytes = 2 << 20
}
