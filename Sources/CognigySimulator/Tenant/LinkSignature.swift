// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// Signed queries of download URLs.
enum LinkSignature {
    private static let key = SymmetricKey(data: Array("nlu-export-simulator".utf8))

    /// Path and query of a link; `expires` in milliseconds since 1970.
    static func path(job: String, _ listener: Listener, expires: Int, hop: Int = 0) -> String {
        let hops = hop == 0 ? "" : "&hop=\(hop)"
        return "/artifacts/\(job)?expires=\(expires)&signature=\(signature(job, listener, expires))" + hops
    }

    /// Whether a query was made by `path` and is still good.
    static func isValid(_ query: [String: String], job: String, _ listener: Listener, at now: Moment) -> Bool {
        guard let expires = query["expires"].flatMap({ Int($0) }) else { return false }
        return query["signature"] == signature(job, listener, expires) && Double(expires) / 1000 > now.unix
    }

    private static func signature(_ job: String, _ listener: Listener, _ expires: Int) -> String {
        let message = Array("\(listener.rawValue)\n\(job)\n\(expires)".utf8)
        return String(ArtifactContent.hex(HMAC<SHA256>.authenticationCode(for: message, using: key)).prefix(40))
    }
}
