// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Why a request failed, as data. The message names the target without query and user information.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure, a bounded set that may serve as a metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// The request itself is not usable: URL, header or argument.
        case invalidRequest
        /// The host's name could not be resolved.
        case resolve
        /// No connection could be made.
        case connect
        /// The TLS handshake or the certificate check failed.
        case tls
        /// A phase took longer than allowed.
        case timeout
        /// No byte came (or went) for the stall time.
        case stalled
        /// The connection broke.
        case reset
        /// The body ended before its announced length.
        case truncated
        /// The answer is larger than the caller accepts.
        case tooLarge
        /// The answer is not HTTP.
        case malformed
        /// A redirect the policy forbids.
        case redirectRefused
        /// An address the policy forbids.
        case addressRefused
        /// The caller cancelled.
        case cancelled
        /// The client has been shut down.
        case shutDown
        /// More requests at once than the client is configured to hold.
        case overloaded
        /// A fault of libcurl or of ours.
        case `internal`
    }

    package let code: Code
    /// What happened, to what, and what to do next; no secrets.
    package let message: String
    /// libcurl's own words, cleaned and bounded, when it had any.
    package let underlying: String?
    /// Whether the same request may succeed when it is made again.
    package let isRetriable: Bool
    /// Whether the request, or a part of it, may have reached the server.
    package let wasSent: Bool

    /// Makes an error; without `isRetriable` the code decides.
    package init(
        code: Code, message: String, underlying: String? = nil, isRetriable: Bool? = nil, wasSent: Bool = false
    ) {
        self.code = code
        self.message = message
        self.underlying = underlying
        self.isRetriable = isRetriable ?? code.isUsuallyRetriable
        self.wasSent = wasSent
    }

    package var description: String {
        guard let underlying else { return message }
        return "\(message) (\(underlying))"
    }
}

extension HTTPError.Code {
    /// Whether a failure of this kind tends to pass by itself.
    var isUsuallyRetriable: Bool {
        switch self {
        case .resolve, .connect, .timeout, .stalled, .reset, .truncated, .malformed, .overloaded: true
        case .invalidRequest, .tls, .tooLarge, .redirectRefused, .addressRefused, .cancelled, .shutDown, .internal:
            false
        }
    }
}
