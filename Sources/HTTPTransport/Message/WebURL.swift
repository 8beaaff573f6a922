// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An absolute http or https URL, taken apart by libcurl's own parser so that both see the same host.
package struct WebURL: Sendable, Hashable, CustomStringConvertible {
    /// Scheme, host and effective port: what credentials belong to (RFC 6454).
    package struct Origin: Sendable, Hashable, CustomStringConvertible {
        package let scheme: String
        package let host: String
        package let port: Int

        package var description: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
    }

    /// The whole URL as it is requested, without fragment; may hold secrets in its query.
    package let string: String
    /// `http` or `https`.
    package let scheme: String
    /// The host in lower case; an IPv6 address without its brackets.
    package let host: String
    /// The port, the scheme's own when none is written.
    package let port: Int
    /// The path, percent-encoded as written, at least `/`.
    package let path: String
    /// The query as written, without its question mark.
    package let query: String?
    /// Whether a user name or password is written in the URL.
    package let hasUserInfo: Bool

    /// Scheme, host and port.
    package var origin: Origin { Origin(scheme: scheme, host: host, port: port) }

    /// What a `Host` header says: the host, with the port unless it is the scheme's own.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (scheme == "https" ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// `scheme://host:port/path`, cut to 256 characters of path: what may be logged.
    package var redacted: String {
        "\(origin)\(path.count > 256 ? path.prefix(256) + "…" : path[...])"
    }

    package var description: String { redacted }
}
