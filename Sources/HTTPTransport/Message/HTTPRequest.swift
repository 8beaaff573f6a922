// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The request methods this transport speaks.
package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
}

/// What a request carries: bytes in memory, so that they can be sent again when a kept connection turns out stale.
package enum HTTPRequestBody: Sendable {
    case none
    case bytes([UInt8])
    /// The valid bytes of a buffer; the buffer must not be touched until the exchange has returned.
    case buffer(TransferBuffer)

    /// The length in bytes.
    package var count: Int {
        switch self {
        case .none: 0
        case .bytes(let bytes): bytes.count
        case .buffer(let buffer): buffer.count
        }
    }
}

/// How long each phase of a request may take. Time spent waiting for a free connection slot never counts.
package struct HTTPTimeouts: Sendable, Hashable {
    /// Name resolution, TCP and TLS together.
    package var connect: Duration
    /// From the request's start to the last byte (`exchange`) or to the end of the head (`open`).
    package var response: Duration
    /// The longest silence while we want bytes (a `fill` is outstanding) or while a large body is being sent.
    package var stall: Duration

    /// Sets all three; defaults 10 s, 30 s and 60 s.
    package init(
        connect: Duration = .seconds(10), response: Duration = .seconds(30), stall: Duration = .seconds(60)
    ) {
        self.connect = connect
        self.response = response
        self.stall = stall
    }
}

/// What a TLS connection trusts and shows. Paths of PEM files; verification itself cannot be switched off.
package struct TLSTrust: Sendable, Hashable {
    /// Certificate authorities trusted besides the system's.
    package var caFile: String?
    /// The certificate shown to a server that asks for one.
    package var clientCertificateFile: String?
    /// The key of that certificate.
    package var clientKeyFile: String?

    /// Trusts the system's authorities alone unless files are named.
    package init(caFile: String? = nil, clientCertificateFile: String? = nil, clientKeyFile: String? = nil) {
        self.caFile = caFile
        self.clientCertificateFile = clientCertificateFile
        self.clientKeyFile = clientKeyFile
    }
}

/// Which addresses a request may connect to, checked on the address itself and not on the name.
///
/// Checked for every socket before it connects and again before a request is sent, kept connections included. Through
/// a proxy the connection is the proxy's, which the operator chose and which is not checked; then only the target as
/// written is: literal addresses in any spelling and names of the local host are refused, a name that resolves to
/// a private address is the proxy's to refuse.
package enum AddressPolicy: Sendable, Hashable {
    case any
    /// Refuses loopback, link-local, private, shared (RFC 6598), multicast and other special addresses, in IPv4, IPv6
    /// and the forms that embed one in the other, unless the URL's host is one of `allowing` (lower case).
    case publicOnly(allowing: Set<String>)
}

/// One request. The URL is absolute and percent-encoded; it is sent as it stands.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    package var url: String
    package var headers: HTTPHeaders
    package var body: HTTPRequestBody
    package var timeouts: HTTPTimeouts
    /// The most bytes an `exchange` accepts as the answer's body; more is `tooLarge`. Default 1 MiB.
    package var maximumResponseBytes: Int
    package var trust: TLSTrust
    package var addressPolicy: AddressPolicy

    /// Makes a request; everything but method and URL has a default.
    package init(
        method: HTTPMethod, url: String, headers: HTTPHeaders = HTTPHeaders(), body: HTTPRequestBody = .none,
        timeouts: HTTPTimeouts = HTTPTimeouts(), maximumResponseBytes: Int = 1 << 20, trust: TLSTrust = TLSTrust(),
        addressPolicy: AddressPolicy = .any
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeouts = timeouts
        self.maximumResponseBytes = maximumResponseBytes
        self.trust = trust
        self.addressPolicy = addressPolicy
    }
}
