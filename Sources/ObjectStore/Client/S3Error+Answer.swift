// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

extension S3Error {
    /// What an answer that is no success means.
    ///
    /// Source: S3 API reference, "Error responses"; SeaweedFS, MinIO and Ceph use the same codes and a few of their own.
    static func answer(_ response: HTTPResponse, to call: S3Call, target: String, region: String) -> S3Error {
        let document = S3XML.decode(S3ErrorDocument.self, from: response.body)
        let code = document?.code ?? ""
        let announced = response.headers["x-amz-bucket-region"].map { ByteText.cleaned($0, limit: 64) }
        let actualRegion = announced ?? document?.region
        var kind = Kind(code: code, status: response.status)
        if kind == .badSignature || response.body.isEmpty, let actualRegion, actualRegion != region {
            kind = .wrongRegion
        }
        if kind == .notFound, call.key == nil { kind = .noSuchBucket }
        let said = document?.message ?? ""
        let words = [code, said].filter { !$0.isEmpty }.joined(separator: ": ")
        return S3Error(
            kind: kind,
            message: "\(call.operation) \(target) was answered \(response.status)\(words.isEmpty ? "" : " ")\(words)"
                + kind.remedy(region: actualRegion),
            code: code, httpStatus: response.status,
            requestID: (response.headers["x-amz-request-id"] ?? document?.requestID).map { ByteText.cleaned($0) },
            underlying: nil, isRetriable: nil,
            mayHaveHappened: response.status >= 500 || kind == .internalError,
            retryAfter: Self.retryAfter(response.headers["retry-after"]),
            serverTime: response.headers["date"].flatMap(UTCDate.init(httpDate:))?.secondsSince1970,
            isUnexplained: document == nil && [400, 403].contains(response.status))
    }

    /// The transport failed before there was an answer.
    static func transport(_ error: HTTPError, to call: S3Call, target: String) -> S3Error {
        let kind: Kind =
            switch error.code {
            case .cancelled: .cancelled
            case .redirectRefused: .wrongRegion
            default: .transport
            }
        return S3Error(
            kind, "\(call.operation) \(target) got no usable answer: \(error.description)", underlying: error,
            isRetriable: kind == .transport && error.isRetriable, mayHaveHappened: error.wasSent)
    }

    /// A success without what it must contain.
    static func malformed(_ call: S3Call, target: String, lacks part: String, status: Int) -> S3Error {
        S3Error(
            .malformed,
            "\(call.operation) \(target) was answered \(status) without \(part); is that endpoint an S3 server?",
            httpStatus: status, mayHaveHappened: true)
    }

    private static func retryAfter(_ value: String?) -> Duration? {
        value.flatMap { Int($0) }.map { .seconds(min(max($0, 0), 300)) }
    }
}

extension S3Error.Kind {
    private static let byCode: [String: S3Error.Kind] = [
        "NoSuchKey": .notFound, "NoSuchVersion": .notFound, "NotFound": .notFound,
        "NoSuchUpload": .noSuchUpload,
        "NoSuchBucket": .noSuchBucket,
        "PreconditionFailed": .preconditionFailed,
        "ConditionalRequestConflict": .conflict, "OperationAborted": .conflict,
        "AccessDenied": .accessDenied, "AllAccessDisabled": .accessDenied, "AccountProblem": .accessDenied,
        "UnauthorizedAccess": .accessDenied,
        "SignatureDoesNotMatch": .badSignature, "InvalidAccessKeyId": .badSignature,
        "AuthorizationHeaderMalformed": .badSignature, "InvalidSecurity": .badSignature,
        "PermanentRedirect": .wrongRegion, "TemporaryRedirect": .wrongRegion, "Redirect": .wrongRegion,
        "IllegalLocationConstraintException": .wrongRegion, "InvalidRegion": .wrongRegion,
        "RequestTimeTooSkewed": .clockSkew, "RequestExpired": .clockSkew,
        "ExpiredToken": .expiredCredentials, "ExpiredTokenException": .expiredCredentials,
        "InvalidToken": .expiredCredentials, "TokenRefreshRequired": .expiredCredentials,
        "SlowDown": .slowDown, "ServiceUnavailable": .slowDown, "TooManyRequests": .slowDown,
        "ThrottlingException": .slowDown, "Throttling": .slowDown, "RequestLimitExceeded": .slowDown,
        "SlowDownRead": .slowDown, "SlowDownWrite": .slowDown,
        "InternalError": .internalError, "RequestTimeout": .internalError, "IncompleteBody": .internalError,
        "BadDigest": .checksumMismatch, "XAmzContentSHA256Mismatch": .checksumMismatch,
        "XAmzContentChecksumMismatch": .checksumMismatch,
        "QuotaExceeded": .insufficientStorage, "InsufficientStorage": .insufficientStorage,
        "XMinioStorageFull": .insufficientStorage, "XMinioAdminBucketQuotaExceeded": .insufficientStorage,
    ]

    /// The code decides, else the status.
    init(code: String, status: Int) {
        if let known = Self.byCode[code] {
            self = known
        } else if code.hasPrefix("KMS.") {
            self = .accessDenied
        } else {
            self = Self.byStatus(status)
        }
    }

    private static func byStatus(_ status: Int) -> S3Error.Kind {
        switch status {
        case 200..<300: .malformed
        case 300..<400: .wrongRegion
        case 401, 403: .accessDenied
        case 404: .notFound
        case 408: .internalError
        case 409: .conflict
        case 412: .preconditionFailed
        case 429, 503: .slowDown
        case 507: .insufficientStorage
        case 500...: .internalError
        default: .invalidRequest
        }
    }

    /// What an operator does about it.
    fileprivate func remedy(region: String?) -> String {
        switch self {
        case .accessDenied: "; check the policies of the credentials, of the bucket and of the KMS key"
        case .noSuchBucket: "; create the bucket or correct its name"
        case .badSignature: "; check the access key, its secret and the region"
        case .wrongRegion: "; " + (region.map { "set the region to \($0)" } ?? "check region and endpoint")
        case .clockSkew: "; set this machine's clock"
        case .expiredCredentials: "; renew the credentials"
        case .insufficientStorage: "; make room in the store or raise its quota"
        default: ""
        }
    }
}
