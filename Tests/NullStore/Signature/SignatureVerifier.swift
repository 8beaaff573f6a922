// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Synchronization

/// Checks the signature of requests from the text of what came in: path and query are decoded and encoded again, so a
/// client that signs something else than what it sends is found out.
///
/// Written from AWS's description ("Create a signed AWS API request") and from nothing of the client it judges.
package final class SignatureVerifier: Sendable {
    /// What a signature is checked against.
    struct Subject {
        let method: String
        /// The path as it came in.
        let path: Substring
        /// The query as it came in, without the question mark.
        let query: Substring
        let headers: [(name: String, value: String)]
    }

    private struct KeyScope: Hashable {
        let day: String
        let region: String
        let service: String
    }

    /// The access key that is known.
    let accessKey: String
    private let secretKey: String
    /// Seconds that a request's date may differ.
    private let tolerance = 900
    private let keys = Mutex<[KeyScope: SymmetricKey]>([:])

    /// Makes a verifier of one key pair.
    package init(accessKey: String, secretKey: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
    }

    /// Why a request is refused; nil where its signature is right. `now` is seconds since 1970.
    func refusal(of subject: Subject, now: Int) -> Refusal? {
        guard let header = subject.header("authorization") else {
            return Refusal(403, "AccessDenied", "the request is not signed")
        }
        guard let authorization = Authorization(header) else {
            return Refusal(400, "AuthorizationHeaderMalformed", "not of Signature Version 4: \(header.prefix(80))")
        }
        guard authorization.accessKey == accessKey else {
            return Refusal(403, "InvalidAccessKeyId", "the access key is not known")
        }
        guard let timestamp = subject.header("x-amz-date"), let seconds = BasicDate.seconds(timestamp),
            timestamp.hasPrefix(authorization.day)
        else { return Refusal(403, "AccessDenied", "x-amz-date is missing, or not of the day that is signed for") }
        guard abs(seconds - now) <= tolerance else {
            return Refusal(403, "RequestTimeTooSkewed", "x-amz-date is \(seconds - now) s away from this clock")
        }
        if let name = subject.unsignedName(signed: Set(authorization.signedHeaders)) {
            return Refusal(403, "AccessDenied", "the header \(name) is not signed")
        }
        let text = Self.stringToSign(subject, authorization, timestamp)
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key(authorization))
        guard Hexadecimal.text(code) == authorization.signature else {
            return Refusal(403, "SignatureDoesNotMatch", "expected for the string to sign: \(text)")
        }
        return nil
    }

    static func stringToSign(_ subject: Subject, _ authorization: Authorization, _ timestamp: String) -> String {
        let canonical = canonicalRequest(subject, signed: authorization.signedHeaders)
        let hash = Hexadecimal.text(SHA256.hash(data: Array(canonical.utf8)))
        return "AWS4-HMAC-SHA256\n\(timestamp)\n\(authorization.scope)\n\(hash)"
    }

    static func canonicalRequest(_ subject: Subject, signed: [String]) -> String {
        var text = "\(subject.method)\n\(PercentText.reencodedPath(subject.path))\n"
        text += "\(PercentText.canonicalQuery(subject.query))\n"
        for name in signed { text += "\(name):\(subject.canonicalValue(name))\n" }
        return text + "\n\(signed.joined(separator: ";"))\n\(subject.header("x-amz-content-sha256") ?? "")"
    }

    private func key(_ authorization: Authorization) -> SymmetricKey {
        let scope = KeyScope(
            day: authorization.day, region: authorization.region, service: authorization.service)
        if let known = keys.withLock({ $0[scope] }) { return known }
        var key = SymmetricKey(data: Array("AWS4\(secretKey)".utf8))
        for part in [scope.day, scope.region, scope.service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        keys.withLock { keys in
            // Whatever a client writes into its scope does not pile up.
            if keys.count > 16 { keys.removeAll() }
            keys[scope] = key
        }
        return key
    }
}

extension SignatureVerifier.Subject {
    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// All values of a header, trimmed, blanks collapsed.
    fileprivate func canonicalValue(_ name: String) -> String {
        headers.filter { $0.name == name }
            .map { $0.value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ") }
            .joined(separator: ",")
    }

    /// A header that must be signed and is not: the host, and whatever S3 acts upon.
    fileprivate func unsignedName(signed: Set<String>) -> String? {
        guard signed.contains("host") else { return "host" }
        return headers.first { $0.name.hasPrefix("x-amz-") && !signed.contains($0.name) }?.name
    }
}
