// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import FoundationEssentials
internal import HTTPTransport

/// Why the management API did not say what it was asked.
struct BrokerManagementError: Error, Sendable, Hashable {
    enum Code: Sendable, Hashable { case unreachable, refused, unusable }

    let code: Code
    let message: String

    /// Asking again may help where nobody answered.
    var isRetriable: Bool { code == .unreachable }

    var remedy: String {
        switch code {
        case .unreachable: "correct amqp.management.url, or enable the plugin rabbitmq_management on the broker"
        case .refused:
            "give amqp.management.url a user with the tag monitoring (rabbitmqctl set_user_tags USER monitoring)"
        case .unusable: "correct amqp.management.url: it names the root of the management pages, without /api"
        }
    }

    var exit: WorkerExit {
        switch code {
        case .unreachable: .unavailable
        case .refused: .refused
        case .unusable: .configuration
        }
    }
}

/// A binding as the management API shows it.
struct BrokerBinding: Sendable, Hashable {
    let destination: String
    let routingKey: String
}

/// Reads from RabbitMQ's management API (`amqp.management.url`); changes nothing there.
struct BrokerManagementAPI: Sendable {
    let virtualHost: String
    /// The URL without its account.
    let shown: String
    private let base: String
    private let account: @Sendable () async throws(SecretError) -> (user: String, password: String)
    private let http: HTTPClient

    /// Nil where no URL is configured. Without an account in the URL the broker connection's own is used.
    init?(settings: Settings.AMQP, endpoint: AMQPEndpoint?, http: HTTPClient) {
        guard let text = settings.managementURL?.reveal(), let url = URLText(text) else { return nil }
        let name = url.host.contains(":") ? "[\(url.host)]" : url.host
        var path = url.rest[...]
        while path.hasSuffix("/") { path = path.dropLast() }
        shown = "\(url.scheme)://\(name)\(url.port.map { ":\($0)" } ?? "")\(path)"
        base = shown + "/api/"
        virtualHost = endpoint?.virtualHost ?? "/"
        self.http = http
        account = { () async throws(SecretError) in
            if let user = url.user { return (Self.decoded(user), Self.decoded(url.password ?? "")) }
            let password = try await settings.password?.current().reveal()
            return (settings.username ?? endpoint?.user ?? "guest", password ?? endpoint?.password ?? "guest")
        }
    }

    /// The text with `%XX` read as bytes; as it is where they are no UTF-8.
    static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
                let value = UInt8(digits, radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self) ?? text
    }

    /// The answer at `/api/` + the parts of the path, which are encoded here; nil where there is no such thing.
    func get(
        _ path: [String], accepting statuses: Set<Int> = []
    ) async throws(BrokerManagementError) -> JSONValue? {
        let url = base + path.map { PercentEncoding.encode($0) }.joined(separator: "/")
        let response = try await exchange(url)
        switch response.status {
        case 200..<300: break
        case let status where statuses.contains(status): break
        case 404: return nil
        case 401, 403:
            throw BrokerManagementError(code: .refused, message: "\(shown) refused the user (\(response.status))")
        case 500...: throw BrokerManagementError(code: .unreachable, message: "\(shown) answered \(response.status)")
        default: throw BrokerManagementError(code: .unusable, message: "\(shown) answered \(response.status)")
        }
        guard let json = try? StrictJSON.parse(response.body) else {
            throw BrokerManagementError(code: .unusable, message: "\(shown) did not answer with JSON")
        }
        return json
    }

    private func exchange(_ url: String) async throws(BrokerManagementError) -> HTTPResponse {
        do {
            let account = try await account()
            let basic = Data("\(account.user):\(account.password)".utf8).base64EncodedString()
            return try await http.exchange(
                HTTPRequest(
                    method: .get, url: url, headers: ["Accept": "application/json", "Authorization": "Basic \(basic)"],
                    timeouts: HTTPTimeouts(connect: .seconds(4), response: .seconds(6), stall: .seconds(6)),
                    maximumResponseBytes: 4 << 20))
        } catch let error as HTTPError {
            throw BrokerManagementError(code: .unreachable, message: error.description)
        } catch {
            throw BrokerManagementError(code: .unusable, message: "\(error)")
        }
    }

    /// What is bound to an exchange as the source; nil where the exchange is not there.
    func bindings(from exchange: String) async throws(BrokerManagementError) -> [BrokerBinding]? {
        guard let answer = try await get(["exchanges", virtualHost, exchange, "bindings", "source"]) else { return nil }
        return (answer.array ?? []).compactMap { binding in
            guard let destination = binding["destination"]?.string else { return nil }
            return BrokerBinding(destination: destination, routingKey: binding["routing_key"]?.string ?? "")
        }
    }
}

/// The patterns of topic exchanges: words between dots, `*` for one word, `#` for any number of them.
enum TopicPattern {
    static func matches(_ pattern: String, key: String) -> Bool {
        matches(words(pattern), words(key))
    }

    private static func words(_ text: String) -> ArraySlice<Substring> {
        text.isEmpty ? [] : text.split(separator: ".", omittingEmptySubsequences: false)[...]
    }

    /// One pass over the key: which prefixes of the pattern match what was read so far.
    private static func matches(_ pattern: ArraySlice<Substring>, _ key: ArraySlice<Substring>) -> Bool {
        var reached = passingEmpty([0], pattern)
        for word in key {
            var next: Set<Int> = []
            for index in reached where index < pattern.count {
                if pattern[index] == "#" { next.insert(index) }
                if pattern[index] == "*" || pattern[index] == word { next.insert(index + 1) }
            }
            reached = passingEmpty(next, pattern)
        }
        return reached.contains(pattern.count)
    }

    /// A `#` may stand for no word at all.
    private static func passingEmpty(_ indices: Set<Int>, _ pattern: ArraySlice<Substring>) -> Set<Int> {
        var result = indices
        for index in indices {
            var index = index
            while index < pattern.count, pattern[index] == "#" {
                index += 1
                result.insert(index)
            }
        }
        return result
    }
}
