// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension AMQPEndpoint {
    /// Reads one or several comma-separated broker URLs: `amqp[s]://user:password@host:port/vhost`.
    ///
    /// User, password, host and virtual host are percent-decoded. Missing parts: guest, guest, 5672 (5671 with TLS) and
    /// the virtual host `/`. The only option is `?auth_mechanism=plain|external`. Errors never repeat what was
    /// given where a password may be.
    package static func parse(list text: String) throws(AMQPError) -> [AMQPEndpoint] {
        var endpoints: [AMQPEndpoint] = []
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let url = part.trimmingBlanks
            let which = parts.count == 1 ? "The broker URL" : "Broker URL \(index + 1) of \(parts.count)"
            endpoints.append(try URLReader(which: which).read(url))
        }
        return endpoints
    }
}

private struct URLReader {
    /// Begins every message, so that no message needs the text itself.
    let which: String

    func fail(_ what: String) -> AMQPError {
        AMQPError(.invalidConfiguration, "\(which) \(what).", isRetriable: false)
    }

    func read(_ url: Substring) throws(AMQPError) -> AMQPEndpoint {
        guard !url.isEmpty else { throw fail("is empty; expected amqp://user:password@host:port/vhost") }
        guard let colon = url.firstRange(of: "://") else {
            throw fail("has no scheme; expected amqp:// or amqps:// (a comma in a password is written %2C)")
        }
        let scheme = url[..<colon.lowerBound].lowercased()
        guard scheme == "amqp" || scheme == "amqps" else {
            throw fail("has an unknown scheme; expected amqp:// or amqps:// (a comma in a password is written %2C)")
        }
        var rest = url[colon.upperBound...]
        guard !rest.contains("#") else { throw fail("contains '#'; in a password it is written %23") }
        var mechanism = AMQPEndpoint.Mechanism.plain
        if let mark = rest.firstIndex(of: "?") {
            mechanism = try readOptions(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let slash = rest.firstIndex(of: "/")
        let authority = rest[..<(slash ?? rest.endIndex)]
        let path = slash.map { rest[rest.index(after: $0)...] } ?? ""
        var endpoint = AMQPEndpoint(host: "", port: scheme == "amqps" ? 5671 : 5672, useTLS: scheme == "amqps")
        endpoint.mechanism = mechanism
        endpoint.virtualHost = try readVirtualHost(path)
        let hostPart = try readUser(authority, into: &endpoint)
        try readHost(hostPart, into: &endpoint)
        return endpoint
    }

    private func readOptions(_ query: Substring) throws(AMQPError) -> AMQPEndpoint.Mechanism {
        var mechanism = AMQPEndpoint.Mechanism.plain
        for option in query.split(separator: "&") {
            switch option.lowercased() {
            case "auth_mechanism=plain": mechanism = .plain
            case "auth_mechanism=external": mechanism = .external
            default:
                throw fail(
                    "has an option that is not known here; only auth_mechanism=plain or external is "
                        + "(a '?' in a password is written %3F)")
            }
        }
        return mechanism
    }

    private func readVirtualHost(_ path: Substring) throws(AMQPError) -> String {
        guard !path.isEmpty else { return "/" }
        guard !path.contains("/") else { throw fail("has a '/' inside its virtual host or password; write it %2F") }
        let name = try decode(path, "virtual host")
        guard name.utf8.count <= 255 else { throw fail("has a virtual host of more than 255 bytes") }
        return name
    }

    private func readUser(_ authority: Substring, into endpoint: inout AMQPEndpoint) throws(AMQPError) -> Substring {
        guard let at = authority.lastIndex(of: "@") else { return authority }
        let credentials = authority[..<at]
        guard !credentials.contains("@") else { throw fail("has more than one '@'; in a password it is written %40") }
        let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        endpoint.user = try decode(parts[0], "user")
        endpoint.password = parts.count > 1 ? try decode(parts[1], "password") : ""
        return authority[authority.index(after: at)...]
    }

    private func readHost(_ text: Substring, into endpoint: inout AMQPEndpoint) throws(AMQPError) {
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw fail("has an IPv6 address without its ']'") }
            endpoint.host = String(text[text.index(after: text.startIndex)..<end])
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw fail("has text between address and port") }
            portText = tail.isEmpty ? nil : tail.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { throw fail("has several ':' in its host; an IPv6 address needs brackets") }
            endpoint.host = try decode(parts[0], "host")
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !endpoint.host.isEmpty else { throw fail("has no host") }
        guard !endpoint.host.contains(where: { $0.isWhitespace }) else { throw fail("has a blank in its host") }
        guard let portText else { return }
        guard let port = Int(portText), (1...65535).contains(port), portText.allSatisfy(\.isNumber) else {
            throw fail(
                "has a port that is not a number from 1 to 65535 (a '/' or ':' in a password is percent-encoded)")
        }
        endpoint.port = port
    }

    /// Percent-decoding; the result goes through C strings, so a NUL would cut it.
    private func decode(_ text: Substring, _ part: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next()?.hexValue, let low = iterator.next()?.hexValue else {
                throw fail(
                    "has a '%' in its \(part) that is not followed by two hexadecimal digits; a '%' is written %25")
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0) else { throw fail("has a NUL in its \(part)") }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw fail("has a \(part) that is not UTF-8 after percent-decoding")
        }
        return decoded
    }
}

extension UInt8 {
    /// The value of a hexadecimal digit.
    fileprivate var hexValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Substring {
    /// Without blanks and line ends at both sides (a URL from a file ends in a newline).
    fileprivate var trimmingBlanks: Substring {
        var text = self
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return text
    }
}
