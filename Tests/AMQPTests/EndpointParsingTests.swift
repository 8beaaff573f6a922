// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import AMQP

@Suite struct EndpointParsingTests {
    @Test func readsEveryPart() throws {
        let endpoint = try #require(
            try AMQPEndpoint.parse(list: "amqps://us%40er:p%2Fw%25@mq.example:5680/team%2fa").first)
        #expect(endpoint.user == "us@er")
        #expect(endpoint.password == "p/w%")
        #expect(endpoint.host == "mq.example")
        #expect(endpoint.port == 5680)
        #expect(endpoint.virtualHost == "team/a")
        #expect(endpoint.useTLS)
        #expect(endpoint.mechanism == .plain)
    }

    @Test(arguments: [
        ("amqp://h", 5672, "/", "guest", "guest"), ("amqps://h", 5671, "/", "guest", "guest"),
        ("amqp://h/", 5672, "/", "guest", "guest"), ("AMQP://h/%2F", 5672, "/", "guest", "guest"),
        ("amqp://u@h/v", 5672, "v", "u", ""), ("amqp://u:@h:1/v", 1, "v", "u", ""),
        (" amqp://h \n", 5672, "/", "guest", "guest"),
    ])
    func fillsInDefaults(url: String, port: Int, virtualHost: String, user: String, password: String) throws {
        let endpoint = try #require(try AMQPEndpoint.parse(list: url).first)
        #expect(endpoint.host == "h")
        #expect(endpoint.port == port)
        #expect(endpoint.virtualHost == virtualHost)
        #expect(endpoint.user == user)
        #expect(endpoint.password == password)
    }

    @Test func readsAddressesInBrackets() throws {
        let endpoint = try #require(try AMQPEndpoint.parse(list: "amqp://[2001:db8::1]:5673/v").first)
        #expect(endpoint.host == "2001:db8::1")
        #expect(endpoint.port == 5673)
        #expect(endpoint.hostIsAddress)
        #expect("\(endpoint)".contains("[2001:db8::1]:5673"))
    }

    @Test func readsSeveralURLs() throws {
        let endpoints = try AMQPEndpoint.parse(list: "amqp://a:1,amqps://b, amqp://c/x?auth_mechanism=external")
        #expect(endpoints.map(\.host) == ["a", "b", "c"])
        #expect(endpoints.map(\.port) == [1, 5671, 5672])
        #expect(endpoints.last?.mechanism == .external)
    }

    @Test(arguments: [
        "", "h", "http://u:hunter2@h", "amqp://u:hunter2@", "amqp://u:hunter2@h:0", "amqp://u:hunter2@h:65536",
        "amqp://u:hunter2@h:x", "amqp://u:hunter2@[::1/v", "amqp://u:hunter2@[::1]x", "amqp://u:hunter2@h/a/b",
        "amqp://u:hunter2%zz@h", "amqp://u:hunter2%@h", "amqp://u:hunter2%00@h", "amqp://u:hunter2%ff@h",
        "amqp://u:hunter2@x@h", "amqp://u:hunter2#@h", "amqp://u:hunter2@h/v?heartbeat=5", "amqp://u:hunter2@::1",
        "amqp://u:hunter2/x@h", "amqp://a,", "amqp://u:hunt,er2@h", "amqp://u:hunter2@h h",
    ])
    func refusesWithoutRepeatingThePassword(url: String) {
        do throws(AMQPError) {
            let endpoints = try AMQPEndpoint.parse(list: url)
            Issue.record("accepted \(endpoints)")
        } catch {
            #expect(error.code == .invalidConfiguration)
            #expect(!error.isRetriable)
            #expect(!"\(error)".contains("hunt"))
            #expect(!"\(error)".contains("er2"))
        }
    }

    @Test func neverShowsThePassword() throws {
        let endpoint = AMQPEndpoint(host: "h", port: 1, user: "u", password: "hunter2")
        #expect(!"\(endpoint)".contains("hunter2"))
        #expect(!String(reflecting: endpoint).contains("hunter2"))
        #expect(!"\([endpoint])".contains("hunter2"))
        var dumped = ""
        dump([endpoint], to: &dumped)
        #expect(!dumped.contains("hunter2"))
        var configuration = AMQPConnectionConfiguration(endpoints: [endpoint], connectionName: "c")
        configuration.clientProperties = ["product": "p"]
        #expect(!String(reflecting: configuration).contains("hunter2"))
    }

    @Test func takesEachEndpointOnceBeforeAnyComesAgain() {
        let endpoints = (1...4).map { AMQPEndpoint(host: "h\($0)", port: $0) }
        var configuration = AMQPConnectionConfiguration(endpoints: endpoints, connectionName: "c")
        configuration.random = { 0.999 }
        var order = EndpointOrder(configuration)
        #expect((0..<8).map { _ in order.next().port } == [4, 3, 2, 1, 4, 3, 2, 1])
        configuration.random = { 0 }
        order = EndpointOrder(configuration)
        #expect((0..<5).map { _ in order.next().port } == [1, 2, 3, 4, 1])
    }
}
