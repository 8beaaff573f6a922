// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Synchronization

/// Signs requests with AWS Signature Version 4: pure but for the signing keys it remembers.
///
/// libcurl can sign, too, but the version of the day sends parameters unsorted and keys with blanks wrong.
final class SigV4Signer: Sendable {
    /// What stands in the `Authorization` header, and its parts for tests.
    struct Signature: Sendable, Hashable {
        let authorization: String
        let signature: String
    }

    /// Everything that goes into a signing key.
    private struct Scope: Hashable {
        let secretAccessKey: String
        let day: String
    }

    static let algorithm = "AWS4-HMAC-SHA256"
    /// Stands for a body that is not signed; its checksum header is.
    static let unsignedPayload = "UNSIGNED-PAYLOAD"
    /// SHA-256 of nothing.
    static let emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    let region: String
    let service: String
    /// The keys of today and, around midnight or while credentials rotate, of one more scope.
    private let keys = Mutex<[(scope: Scope, key: SymmetricKey)]>([])

    init(region: String, service: String = "s3") {
        self.region = region
        self.service = service
    }

    /// Signs a canonical request as of `date`, which must be the one its `x-amz-date` header names.
    func sign(_ request: CanonicalRequest, credentials: S3Credentials, date: UTCDate) -> Signature {
        let scope = "\(date.day)/\(region)/\(service)/aws4_request"
        let hash = Self.sha256(Array(request.text.utf8))
        let stringToSign = "\(Self.algorithm)\n\(date.timestamp)\n\(scope)\n\(hash)"
        let key = signingKey(Scope(secretAccessKey: credentials.secretAccessKey, day: date.day))
        let code = HMAC<SHA256>.authenticationCode(for: Array(stringToSign.utf8), using: key)
        let signature = ByteText.hexadecimal(code)
        return Signature(
            authorization: "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope), "
                + "SignedHeaders=\(request.signedHeaders), Signature=\(signature)",
            signature: signature)
    }

    /// Hexadecimal SHA-256 of a small body.
    static func sha256(_ bytes: [UInt8]) -> String { ByteText.hexadecimal(SHA256.hash(data: bytes)) }

    private func signingKey(_ scope: Scope) -> SymmetricKey {
        if let known = keys.withLock({ $0.first { $0.scope == scope }?.key }) { return known }
        var key = SymmetricKey(data: Array("AWS4\(scope.secretAccessKey)".utf8))
        for part in [scope.day, region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        keys.withLock { known in
            if known.count > 1 { known.removeFirst() }
            known.append((scope, key))
        }
        return key
    }
}
