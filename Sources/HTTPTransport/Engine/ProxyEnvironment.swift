// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The proxies named by the usual environment variables, read once, with libcurl's own rules for `no_proxy`.
///
/// Read by us rather than by libcurl because an address check has to know whether a request goes through a proxy: the
/// address it connects to is then the proxy's. Uppercase `HTTP_PROXY` is ignored, as libcurl does.
struct ProxyEnvironment: Sendable {
    private var http: String?
    private var https: String?
    private var exceptions: [Substring]

    /// Takes the variables from `lookup`.
    init(lookup: (String) -> String?) {
        func first(_ names: String...) -> String? {
            names.lazy.compactMap(lookup).first.flatMap { $0.isEmpty ? nil : $0 }
        }
        http = first("http_proxy", "all_proxy", "ALL_PROXY")
        https = first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        exceptions = (first("no_proxy", "NO_PROXY") ?? "").split { $0 == "," || $0 == " " || $0 == "\t" }
    }

    /// The process's own environment.
    static func current() -> ProxyEnvironment {
        ProxyEnvironment { name in
            guard let value = unsafe getenv(name) else { return nil }
            return unsafe String(cString: value)
        }
    }

    /// The proxy a request to this URL goes through, `nil` when it goes straight there.
    func proxy(for url: WebURL) -> String? {
        guard let proxy = url.scheme == "https" ? https : http, !isExcepted(url.host) else { return nil }
        return proxy
    }

    private func isExcepted(_ host: String) -> Bool {
        if exceptions == ["*"] { return true }
        if let address = IPAddress(host) { return exceptions.contains { Self.covers($0, address) } }
        let name = host.hasSuffix(".") ? host.dropLast() : host[...]
        return exceptions.contains { Self.covers($0, name: name) }
    }

    private static func covers(_ token: Substring, _ address: IPAddress) -> Bool {
        let parts = token.split(separator: "/", maxSplits: 1)
        guard let first = parts.first, let network = IPAddress(String(first)) else { return false }
        return address.isInside(network, bits: parts.count == 2 ? Int(parts[1]) ?? 0 : 0)
    }

    private static func covers(_ token: Substring, name: Substring) -> Bool {
        var suffix = token.lowercased()[...]
        if suffix.hasSuffix(".") { suffix = suffix.dropLast() }
        if suffix.hasPrefix(".") { suffix = suffix.dropFirst() }
        return !suffix.isEmpty && (name == suffix || name.hasSuffix(".\(suffix)"))
    }
}
