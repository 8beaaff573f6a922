// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// Why an operation on the object store failed, classified; messages carry no secrets.
package struct S3Error: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure, a bounded set that may serve as a metric label.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The object (or its version) is not there.
        case notFound
        /// The multipart upload is not there: aborted, completed or never begun.
        case noSuchUpload
        /// `If-None-Match` or `If-Match` did not hold.
        case preconditionFailed
        /// Another write of the same key was under way (409); nothing was written by this one.
        case conflict
        case accessDenied
        case noSuchBucket
        /// The signature, the access key or the session is not accepted.
        case badSignature
        case wrongRegion
        /// The clocks differ by more than the store allows.
        case clockSkew
        case expiredCredentials
        /// No provider had any credentials.
        case noCredentials
        /// The store asks for patience (503, 429).
        case slowDown
        /// A fault of the store (5xx).
        case internalError
        /// The bytes that arrived are not those that were sent: the store's checksum differs from the announced one.
        case checksumMismatch
        /// The request itself is refused for good: KeyTooLong, InvalidArgument, EntityTooLarge and the like.
        case invalidRequest
        case insufficientStorage
        /// No usable HTTP answer; `transportError` says why.
        case transport
        /// An answer that makes no sense.
        case malformed
        case cancelled
        /// Under the key lies an object with other content.
        case objectDiffers
        /// The source of an upload had no bytes.
        case empty
        /// The source of an upload had more bytes than allowed, or than parts can hold.
        case tooLarge
        /// The source of an upload had another length than announced.
        case lengthMismatch
        /// The source of an upload failed; `underlying` says how.
        case source
        /// The caller's own callback failed; `underlying` says how.
        case callback
    }

    package let kind: Kind
    /// S3's own code such as `NoSuchKey`; empty where the answer had none.
    package let code: String
    /// What happened, to what, and what to do next.
    package let message: String
    package let httpStatus: Int?
    /// The store's id of the failed request, for its operator.
    package let requestID: String?
    package let underlying: (any Error)?
    /// Whether the same request may succeed when it is made again.
    package let isRetriable: Bool
    /// Whether the request may have had its effect although no answer says so. A conditional write that fails like
    /// this must be read back before it is judged.
    package let mayHaveHappened: Bool
    /// How long the store asks to wait.
    package let retryAfter: Duration?
    /// The store's clock, seconds since 1970, as its answer gave it.
    let serverTime: Int64?
    /// A refusal whose answer had no body to say why, as every answer to HEAD.
    let isUnexplained: Bool

    package init(
        _ kind: Kind, _ message: String, code: String = "", httpStatus: Int? = nil, requestID: String? = nil,
        underlying: (any Error)? = nil, isRetriable: Bool? = nil, mayHaveHappened: Bool = false,
        retryAfter: Duration? = nil
    ) {
        self.init(
            kind: kind, message: message, code: code, httpStatus: httpStatus, requestID: requestID,
            underlying: underlying, isRetriable: isRetriable, mayHaveHappened: mayHaveHappened,
            retryAfter: retryAfter, serverTime: nil, isUnexplained: false)
    }

    init(
        kind: Kind, message: String, code: String, httpStatus: Int?, requestID: String?, underlying: (any Error)?,
        isRetriable: Bool?, mayHaveHappened: Bool, retryAfter: Duration?, serverTime: Int64?, isUnexplained: Bool
    ) {
        self.kind = kind
        self.code = code
        self.message = message
        self.httpStatus = httpStatus
        self.requestID = requestID
        self.underlying = underlying
        self.isRetriable = isRetriable ?? kind.isUsuallyRetriable
        self.mayHaveHappened = mayHaveHappened
        self.retryAfter = retryAfter
        self.serverTime = serverTime
        self.isUnexplained = isUnexplained
    }

    package var description: String {
        guard let requestID else { return message }
        return "\(message) (request \(requestID))"
    }

    /// The transport's own error, where it failed.
    package var transportError: HTTPError? { underlying as? HTTPError }
}

extension S3Error.Kind {
    /// Whether a failure of this kind tends to pass by itself.
    var isUsuallyRetriable: Bool {
        switch self {
        case .conflict, .slowDown, .internalError, .checksumMismatch, .noSuchUpload, .malformed, .lengthMismatch: true
        case .notFound, .preconditionFailed, .accessDenied, .noSuchBucket, .badSignature, .wrongRegion, .clockSkew,
            .expiredCredentials, .noCredentials, .invalidRequest, .insufficientStorage, .transport, .cancelled,
            .objectDiffers, .empty, .tooLarge, .source, .callback:
            false
        }
    }

    /// Whether this speaks of credentials, bucket, clock or disk rather than of one request: a fault of the
    /// surroundings that a human has to mend, or time.
    package var concernsSurroundings: Bool {
        switch self {
        case .accessDenied, .noSuchBucket, .badSignature, .wrongRegion, .clockSkew, .expiredCredentials,
            .noCredentials, .insufficientStorage:
            true
        default: false
        }
    }
}

extension S3Error {
    /// Any error as one of ours: cancellation is told apart, everything else keeps its cause.
    static func wrapping(_ error: any Error, as kind: Kind, _ message: @autoclosure () -> String) -> S3Error {
        if let error = error as? S3Error { return error }
        if error is CancellationError { return S3Error(.cancelled, "The transfer was cancelled.", underlying: error) }
        return S3Error(kind, message(), underlying: error)
    }
}
