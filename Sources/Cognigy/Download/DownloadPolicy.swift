// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// Where artifacts may come from, from a tenant's configuration.
struct DownloadPolicy: Sendable {
    let base: WebURL
    let downloadHosts: Set<String>

    /// The URL of a link that may be followed; anything else is `download_refused`.
    func url(of link: DownloadLink, tenant: String) throws(StepError) -> WebURL {
        let url: WebURL
        do {
            url = try WebURL(link.url)
        } catch {
            throw refused("tenant \(tenant) named a download URL that is not usable: \(error.message)")
        }
        guard !url.hasUserInfo else {
            throw refused("tenant \(tenant) named a download URL with user information (\(url.origin)); it is not used")
        }
        guard base.scheme != "https" || url.scheme == "https" else {
            throw refused(
                "tenant \(tenant) is called by https but named a download URL without it (\(url.origin)); let the "
                    + "tenant name an https URL")
        }
        return url
    }

    /// Whether the tenant's credentials belong to the URL: scheme, host and port are the API's own.
    func isOwn(_ url: WebURL) -> Bool { url.origin == base.origin }

    /// Which addresses may be connected to.
    ///
    /// A tenant whose own base lies in a private network may name any address. Otherwise only public ones, the hosts
    /// that the operator listed, and the API's own host, whatever it resolves to: it is called anyway.
    var addresses: AddressPolicy {
        PrivateNetwork.contains(host: base.host) ? .any : .publicOnly(allowing: downloadHosts.union([base.host]))
    }

    private func refused(_ message: String) -> StepError { StepError(.permanent(.downloadRefused), message) }
}

/// Tells by its name or literal address whether a host of the configuration lies in a private network.
///
/// No name is resolved for this: the answer would depend on the moment, and resolving would block. A fully qualified
/// name that happens to resolve to a private address counts as public; the operator lists the download hosts then.
enum PrivateNetwork {
    /// Top-level names that never resolve in public (RFC 6761, 6762, 8375; ICANN's `internal`; Kubernetes).
    private static let suffixes = [".localhost", ".local", ".internal", ".home.arpa", ".svc", ".cluster.local"]

    /// `host` in lower case, an IPv6 address without brackets.
    static func contains(host: String) -> Bool {
        if host.contains(":") { return containsV6(host) }
        if let address = v4(host[...]) { return isPrivate(address) }
        let name = host.hasSuffix(".") ? host.dropLast() : host[...]
        return !name.contains(".") || suffixes.contains { name.hasSuffix($0) }
    }

    private static func containsV6(_ host: String) -> Bool {
        let address = host.prefix { $0 != "%" }
        if let colon = address.lastIndex(of: ":"), let v4 = v4(address[address.index(after: colon)...]) {
            return isPrivate(v4)
        }
        let groups = address.split(separator: ":", omittingEmptySubsequences: true)
        guard let first = groups.first, let value = UInt16(first, radix: 16) else { return false }
        if !address.hasPrefix(":"), (0xFC00...0xFDFF).contains(value) || (0xFE80...0xFEBF).contains(value) {
            return true
        }
        return groups.last.flatMap { UInt16($0, radix: 16) } == 1
            && groups.dropLast().allSatisfy { UInt16($0, radix: 16) == 0 }
    }

    private static func v4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { UInt8($0) }
        return parts.count == 4 && bytes.count == 4 ? bytes : nil
    }

    /// Loopback, RFC 1918, link-local and shared addresses.
    private static func isPrivate(_ address: [UInt8]) -> Bool {
        switch (address[0], address[1]) {
        case (10, _), (127, _), (192, 168), (169, 254), (172, 16...31), (100, 64...127): true
        default: false
        }
    }
}
