// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension TextRule {
    /// Free text of up to `maximum` characters.
    static func words(_ maximum: Int = 256) -> TextRule {
        TextRule(allowed: "text of 1 to \(maximum) characters") {
            $0.count > maximum ? "is longer than \(maximum) characters" : nil
        }
    }

    /// The path of a file.
    static let path = TextRule(allowed: "the path of a file") {
        $0.utf8.count > 4095 ? "is longer than 4095 bytes" : nil
    }

    /// The name of an exchange or a queue.
    static let brokerName = TextRule(allowed: "a name of 1 to 255 bytes without amq. in front") {
        if $0.utf8.count > 255 { return "is longer than 255 bytes" }
        return $0.hasPrefix("amq.") ? "begins with amq., which the broker keeps for itself" : nil
    }

    /// The name of a tenant: it becomes a part of keys, paths and variable names.
    static let tenantName = TextRule(allowed: "1 to 64 of A-Z, a-z, 0-9, -, _ and .; a letter or digit first") { text in
        if text.utf8.count > 64 { return "is longer than 64 characters" }
        let isPlain = text.utf8.allSatisfy { isWord($0) || $0 == 45 || $0 == 46 }
        let first = text.utf8.first.map { isWord($0) && $0 != 95 } ?? false
        return isPlain && first ? nil : "is no tenant name"
    }

    /// A bucket, loosely enough for stores other than AWS.
    static let bucket = TextRule(allowed: "3 to 63 of A-Z, a-z, 0-9, ., - and _") { text in
        let isPlain = text.utf8.allSatisfy { isWord($0) || $0 == 45 || $0 == 46 }
        if (3...63).contains(text.utf8.count) && isPlain && text.first != "." && text.last != "." { return nil }
        return "is no bucket name"
    }

    /// A prefix of object keys.
    static let prefix = TextRule(allowed: "up to 256 bytes that end in / and do not begin with it") { text in
        if !text.hasSuffix("/") { return "does not end in /" }
        if text.hasPrefix("/") || text.contains("//") { return "holds an empty part" }
        if text.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) { return "holds . or .. as a part" }
        return text.utf8.count > 256 ? "is longer than 256 bytes" : nil
    }

    /// The path of a URL.
    static let urlPath = TextRule(allowed: "a path that begins with /") { text in
        guard text.hasPrefix("/"), !text.hasPrefix("//") else { return "does not begin with one /" }
        return text.contains { " ?#".contains($0) } ? "holds a blank, ? or #" : nil
    }

    /// A host to listen on: a name or an address without port.
    static let host = TextRule(allowed: "a host name or an address, without port") { text in
        // An IPv6 address has two colons at least; one would be a port.
        let colons = text.utf8.count { $0 == 58 }
        let isAddress = colons > 1 && text.utf8.allSatisfy { isHex($0) || $0 == 58 || $0 == 46 }
        let isName = text.utf8.allSatisfy { isWord($0) || $0 == 45 || $0 == 46 }
        return isAddress || isName ? nil : "is no host"
    }

    /// A host that downloads may come from.
    static let downloadHost = TextRule(allowed: "a host name or an address, without scheme and port") { text in
        host.complaint(text).map { _ in "is no host; leave out scheme, port and path" }
    }

    /// An absolute URL of one of the schemes. Without `allowsAccount` it may not carry user or password.
    static func url(_ schemes: [String], allowsAccount: Bool = false, allowsPath: Bool = true) -> TextRule {
        let forms = schemes.map { "\($0)://host[:port]\(allowsPath ? "[/path]" : "")" }
        return TextRule(allowed: forms.joined(separator: " or ")) { text in
            guard let url = URLText(text) else { return "is no absolute URL" }
            if !schemes.contains(url.scheme) { return "has the scheme \(url.scheme)" }
            if !allowsAccount && url.user != nil { return "holds a user name or a password" }
            if url.rest.contains(where: { "?#".contains($0) }) { return "holds a query or a fragment" }
            return allowsPath || url.rest.isEmpty || url.rest == "/" ? nil : "holds a path"
        }
    }

    /// One broker URL; its path is the virtual host.
    static let brokerURL = TextRule(allowed: "amqp://user:password@host[:port]/vhost, or amqps://") { text in
        guard let url = URLText(text) else { return "is no absolute URL" }
        guard url.scheme == "amqp" || url.scheme == "amqps" else { return "has a scheme other than amqp and amqps" }
        if url.rest.dropFirst().contains("/") { return "holds a / in its virtual host, which is written %2f" }
        return url.rest.contains { "?#".contains($0) } ? "holds a query or a fragment" : nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }
}

/// What may be shown of settings that hold a URL with a password, or several of them.
enum URLDisplay {
    @Sendable static func redacted(_ text: String) -> String {
        let elements = RawSetting.text(text).elements
        let parts = elements.compactMap { URLText($0)?.redacted }
        // A comma in a password cuts a URL in two, whose halves must not be shown: all of it or nothing.
        return parts.count == elements.count ? parts.joined(separator: ",") : Secret.redacted
    }
}
