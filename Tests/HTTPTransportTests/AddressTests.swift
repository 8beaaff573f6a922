// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import TestKit
import Testing

@testable import HTTPTransport

@Suite(.timeLimit(.minutes(1))) struct AddressTests {
    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
        "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fdff::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:0a00:0001::1", "2001::1",
        "2001:db8::1",
        "3fff::1", "100::1", "4000::1",
    ]) func refusesSpecialAddresses(text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic == false)
    }

    @Test(arguments: [
        "1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.1.1.1", "128.0.0.1",
        "169.253.0.1",
        "172.15.0.1", "172.32.0.1", "192.0.1.1", "192.167.1.1", "192.169.1.1", "198.17.0.1", "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:0101:0101::1", "2001:200::1",
    ]) func takesPublicAddresses(text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic)
    }

    @Test(arguments: ["", "1.2.3", "host", "1.2.3.4.5", "::g", "[::1]"]) func namesAreNoAddresses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    private func restricted(_ url: String, allowing: Set<String> = []) -> HTTPRequest {
        var request = get(url)
        request.addressPolicy = .publicOnly(allowing: allowing)
        return request
    }

    @Test(arguments: [
        "127.0.0.1", "localhost", "a.localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:7f00:1]",
    ])
    func refusesLiteralsOfEveryForm(host: String) async throws {
        try await withClient { _ in
        } body: { client, server in
            let request = restricted("http://\(host):\(server.port)/")
            let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
            #expect(error?.code == .addressRefused)
            #expect(error?.wasSent == false)
            #expect(server.accepted == 0)
        }
    }

    @Test func allowedHostsAreReached() async throws {
        try await withClient { connection in
            while connection.readRequest() != nil { connection.answer() }
        } body: { client, server in
            let request = restricted(server.url(), allowing: ["127.0.0.1"])
            let status1 = try await client.status(request)
            #expect(status1 == 200)
        }
    }

    /// A name of this machine that leads to the loopback and is no `localhost`; `nil` when it has none.
    private static let localName: String? = ["ip6-localhost", "localhost.localdomain", hostName()].first { name in
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_INET
        var list: UnsafeMutablePointer<addrinfo>?  // freed below
        guard unsafe getaddrinfo(name, nil, &hints, &list) == 0, let first = unsafe list else { return false }
        defer { unsafe freeaddrinfo(list) }
        return unsafe first.pointee.ai_family == AF_INET
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        unsafe gethostname(&name, 255)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test(.enabled(if: localName != nil)) func refusesWhatANameLeadsTo() async throws {
        try await withClient { _ in
        } body: { client, server in
            let name = try #require(Self.localName)
            let request = restricted("http://\(name):\(server.port)/")
            let error = await failure { () async throws(HTTPError) in try await client.exchange(request) }
            #expect(error?.code == .addressRefused)
            #expect(error?.message.contains(name.lowercased()) == true)
            #expect(server.accepted == 0)
        }
    }

    /// The proxy listens on the loopback and resolves the name itself: its own address is not the one to check.
    @Test func aProxyIsUsedAndOnlyTheTargetChecked() async throws {
        let proxy = try RawHTTPServer { connection in
            while connection.readRequest() != nil { connection.answer(body: "proxied") }
        }
        let proxies = ProxyEnvironment { $0 == "http_proxy" ? proxy.url() : nil }
        let client = HTTPClient(
            configuration: HTTPClientConfiguration(), proxies: proxies, logger: Logger(label: "test"))
        let answer = try await client.exchange(restricted("http://artifacts.example/x?y=1"))
        #expect(answer.body == Array("proxied".utf8))
        #expect(proxy.requests.first?.line == "GET http://artifacts.example/x?y=1 HTTP/1.1")
        let error = await failure { () async throws(HTTPError) in
            try await client.exchange(restricted("http://10.0.0.1/"))
        }
        #expect(error?.code == .addressRefused)
        #expect(proxy.requests.count == 1)
        await client.shutdown()
        proxy.stop()
    }

    @Test func aRedirectIsCheckedToo() throws {
        var route = RedirectRoute(request: restricted("https://a.example/"), policy: RedirectPolicy())
        let head = ResponseHead(status: 302, headers: ["Location": "https://169.254.169.254/x"], contentLength: nil)
        #expect(try follow(&route, head, "https://a.example/"))
        let request = route.request
        #expect(throws: HTTPError.self) {
            try RequestPlan(
                request, isStreamed: true, configuration: HTTPClientConfiguration(),
                proxies: ProxyEnvironment { _ in nil })
        }
    }

    /// A connection made by a request without restriction must not serve one with.
    @Test func aKeptConnectionIsCheckedToo() {
        let transfer = Transfer(plan(isProxied: false))
        #expect(!transfer.mayUse(connectedAddress: "10.0.0.1"))
        #expect(transfer.refusedAddress)
        #expect(Transfer(plan(isProxied: false)).mayUse(connectedAddress: "1.1.1.1"))
        #expect(Transfer(plan(isProxied: true)).mayUse(connectedAddress: "10.0.0.1"))
    }

    private func plan(isProxied: Bool) -> RequestPlan {
        let proxies = ProxyEnvironment { $0 == "https_proxy" && isProxied ? "http://10.0.0.1:3128" : nil }
        let request = restricted("https://a.example/")
        guard
            let plan = try? RequestPlan(
                request, isStreamed: false, configuration: HTTPClientConfiguration(), proxies: proxies)
        else { preconditionFailure("the plan is valid") }
        return plan
    }
}
