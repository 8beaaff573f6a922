// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import AMQP
@testable import Cognigy
@testable import ExportPipeline
@testable import HTTPTransport

extension FuzzTarget {
    /// The whole input is one URL: a link, a redirect's target, a broker's address.
    static let url = FuzzTarget(name: "url", summary: "URLs: links, redirects, brokers, addresses") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let url = try checked({ () throws(HTTPError) in try WebURL(text) }) { try check(url) }
        for base in ["https://api.example.com/v1/jobs?x=1", "http://[fd00::1]:8080/a/b"] {
            let own = try WebURL(base)
            if let url = try checked({ () throws(HTTPError) in try own.resolving(relative: text) }) {
                try check(url)
                try checkRedirect(text, to: url, from: own)
            }
            if let link = LinkReader.link(text, base: base) { try check(link, base: base) }
        }
        try checkBroker(text)
    }

    private static func checked<Value>(_ read: () throws(HTTPError) -> Value) throws -> Value? {
        switch Result(catching: { () throws(HTTPError) in try read() }) {
        case .success(let value): return value
        case .failure(let error):
            try claim(error.code == .invalidRequest, "refused as \(error.code)")
            try claimPrintable(error.description, "the reason")
            return nil
        }
    }

    private static func check(_ url: WebURL) throws {
        try claim(["http", "https"].contains(url.scheme), "the scheme \(url.scheme)")
        try claim((1...65_535).contains(url.port), "the port \(url.port)")
        try claim(!url.host.isEmpty && !url.host.utf8.contains(UInt8(ascii: "@")), "the host \(url.host)")
        try claim(url.path.utf8.first == UInt8(ascii: "/"), "the path \(url.path)")
        try claim(!url.string.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "a control character in \(url.string)")
        // With a user name in it a URL is refused wherever it came from, and may be anything.
        if url.hasUserInfo { return }
        let again = try WebURL(url.string)
        try claim(again.origin == url.origin && again.path == url.path, "\(url.string) read again leads elsewhere")
        // A question mark with nothing behind it is dropped.
        try claimSame(again.query ?? "", url.query ?? "", "the query of \(url.string) read again")
        // Credentials go by origin: what is checked has to be what is connected to.
        try claimSame(try WebURL("\(url.origin)\(url.path)").origin, url.origin, "an origin written and read again")
        if let query = url.query, query.utf8.count > 3, !"\(url.origin)\(url.path)".contains(query) {
            try claim(!"\(url)".contains(query), "the query is in what may be logged: \(url)")
        }
        _ = PrivateNetwork.contains(host: url.host)
        _ = IPAddress(url.host)?.isPublic
    }

    /// The rules of redirects by themselves: what is followed keeps https, and no credentials leave their origin.
    private static func checkRedirect(_ location: String, to target: WebURL, from url: WebURL) throws {
        let request = HTTPRequest(method: .get, url: url.string, headers: ["Authorization": "Bearer x"])
        var route = RedirectRoute(request: request, policy: RedirectPolicy(maximum: 5))
        var head = ResponseHead(status: 302, headers: HTTPHeaders(), contentLength: nil)
        head.headers.add("Location", location)
        guard (try? route.follow(head, from: url)) == true else { return }
        try claim(url.scheme == "http" || target.scheme == "https", "a redirect from https to \(target.string)")
        try claim(!target.hasUserInfo, "a redirect to \(target.string)")
        let keeps = route.request.headers["Authorization"] != nil
        try claim(!keeps || target.origin == url.origin, "credentials go to \(target.origin)")
    }

    private static func checkBroker(_ text: String) throws {
        switch Result(catching: { () throws(AMQPError) in try AMQPEndpoint.parse(list: text) }) {
        case .success(let endpoints):
            for endpoint in endpoints {
                try claim((1...65_535).contains(endpoint.port) && !endpoint.host.isEmpty, "the broker \(endpoint)")
            }
        case .failure(let error):
            try claim(error.code == .invalidConfiguration, "refused as \(error.code)")
            try claimPrintable(error.description, "the reason")
        }
    }
}
