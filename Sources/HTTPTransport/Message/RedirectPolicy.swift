// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How far `open` follows redirects, and what it takes along.
///
/// Only http and https targets are followed, never from https to http, never with user information in the target, and
/// never in a loop; any of these is `redirectRefused`.
package struct RedirectPolicy: Sendable, Hashable {
    /// Names that are always treated as credentials, whatever the caller lists.
    package static let alwaysCredentials: Set<String> = ["authorization", "cookie", "proxy-authorization"]

    /// The most redirects followed; 0 makes every 3xx with a target an error.
    package var maximum: Int
    /// Lower-case names of header fields dropped for good when the origin (scheme, host, port) changes, besides
    /// `alwaysCredentials`. The client certificate is dropped with them.
    package var credentialHeaders: Set<String>

    /// Follows up to five redirects by default.
    package init(maximum: Int = 5, credentialHeaders: Set<String> = ["x-api-key"]) {
        self.maximum = maximum
        self.credentialHeaders = Set(credentialHeaders.map { $0.lowercased() })
    }
}
