// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// One operation on the bucket before it is signed.
struct S3Call {
    /// The S3 name of the operation, for messages: `PutObject`.
    let operation: String
    let method: HTTPMethod
    /// The object's key, not encoded; nil for the bucket itself.
    var key: String?
    var query: [CanonicalRequest.Parameter] = []
    var headers: [(name: String, value: String)] = []
    var body: HTTPRequestBody = .none
    var timeouts: HTTPTimeouts
    var maximumResponseBytes = 1 << 20
    /// Whether doing it twice is the same as doing it once, so that the client may repeat it by itself.
    var isRepeatable = true

    /// S3's limits on keys, and path segments that proxies and servers would fold away.
    func validate() throws(S3Error) {
        guard let key else { return }
        guard (1...1024).contains(key.utf8.count) else {
            throw S3Error(
                .invalidRequest, "The key has \(key.utf8.count) bytes; S3 allows 1 to 1,024.", code: "KeyTooLongError")
        }
        guard !key.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }),
            !key.split(separator: "/", omittingEmptySubsequences: false).contains(where: { $0 == "." || $0 == ".." })
        else {
            throw S3Error(
                .invalidRequest,
                "The key \(ByteText.cleaned(key)) has control characters or a segment `.` or `..`.")
        }
    }

    /// The value of `x-amz-content-sha256`: small documents are signed, what carries a checksum in a header is not
    /// read a second time.
    var payloadHash: String {
        switch body {
        case .none: SigV4Signer.emptyPayload
        case .bytes(let bytes) where bytes.count <= 1 << 16: SigV4Signer.sha256(bytes)
        case .bytes, .buffer: SigV4Signer.unsignedPayload
        }
    }
}
