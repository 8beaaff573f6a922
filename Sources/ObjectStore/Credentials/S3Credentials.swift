// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a request is signed with. Never printed: its description shows the key id alone.
package struct S3Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    package let accessKeyID: String
    package let secretAccessKey: String
    /// Present with temporary credentials.
    package let sessionToken: String?
    /// Seconds since 1970 at which they stop being valid; nil where they do not expire or do not say so.
    package let expiration: Int64?

    package init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Int64? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }

    package var description: String { "credentials \(accessKeyID)" }
    package var debugDescription: String { description }
}

/// Somewhere credentials come from. A failure is never remembered: the next call tries again.
package protocol CredentialsProvider: Sendable {
    /// What is asked, in words for a message: `environment`, `profile default in ~/.aws/credentials`.
    var source: String { get }

    /// The credentials as of now; `noCredentials` says why there are none.
    func credentials() async throws(S3Error) -> S3Credentials

    /// Forgets what was kept, because the store refused it; the next call reads or asks again.
    func invalidate() async
}

/// Credentials that were given outright.
package struct StaticCredentials: CredentialsProvider {
    private let value: S3Credentials

    package init(_ value: S3Credentials) { self.value = value }

    package var source: String { "given credentials" }
    package func credentials() async throws(S3Error) -> S3Credentials { value }
    package func invalidate() async {}
}
