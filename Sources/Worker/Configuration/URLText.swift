// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The parts of an absolute URL, as far as a setting has to be checked: nothing is decoded or normalised.
struct URLText: Sendable, Hashable {
    let scheme: String
    let user: String?
    let password: String?
    /// As written, without the brackets of an IPv6 address.
    let host: String
    let port: Int?
    /// What follows the authority, with its slash, query and fragment; may be empty.
    let rest: String

    /// Nil where the text is not `scheme://host…` with a usable port.
    init?(_ text: String) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let after = text[mark.upperBound...]
        let authority = after.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value >= 0x7F }) else { return nil }
        scheme = text[..<mark.lowerBound].lowercased()
        rest = String(after.dropFirst(authority.count))
        var hostAndPort = authority
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = parts.first.map(String.init)
            password = parts.count > 1 ? String(parts[1]) : nil
            hostAndPort = authority[authority.index(after: at)...]
        } else {
            user = nil
            password = nil
        }
        guard let (host, port) = Self.split(hostAndPort) else { return nil }
        self.host = host
        self.port = port
    }

    private static func split(_ text: Substring) -> (host: String, port: Int?)? {
        var host = text
        var portText: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.first == ":" else { return nil }
            portText = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            portText = text[text.index(after: colon)...]
        }
        guard !host.isEmpty else { return nil }
        guard let portText else { return (String(host), nil) }
        guard let port = Int(portText), (1...65_535).contains(port) else { return nil }
        return (String(host), port)
    }

    /// The URL for a message: without password, query and fragment.
    var redacted: String {
        let account = user.map { password == nil ? "\($0)@" : "\($0):\(Secret.redacted)@" } ?? ""
        let name = host.contains(":") ? "[\(host)]" : host
        let path = rest.prefix { $0 != "?" && $0 != "#" }
        return "\(scheme)://\(account)\(name)\(port.map { ":\($0)" } ?? "")\(path)"
    }

    /// Whether a host is this machine by its very name: `localhost`, `127.0.0.0/8`, `::1`.
    static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
        return host == "localhost" || host == "::1" || (isIPv4 && parts[0] == "127")
    }
}
