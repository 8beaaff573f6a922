// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import AMQP

@Suite struct ValueTests {
    private let everyKind: AMQPTable = [
        "bool": true, "small": 7, "negative": -3, "large": .int(.max), "double": .double(1.5),
        "decimal": .decimal(scale: 2, value: 314), "text": "Grüße", "bytes": .bytes([0xFF, 0x00]),
        "time": .timestamp(1_700_000_000), "list": .array(["a", 1, .array([])]), "inner": .table(["k": .void]),
        "empty": .table(AMQPTable()),
    ]

    private func roundTrip(_ table: AMQPTable) throws(AMQPError) -> AMQPTable {
        try CArena.with { unsafe FieldDecoder.table($0.table(table)) }
    }

    @Test func everyKindSurvivesTheWayThroughC() throws {
        let result = try roundTrip(everyKind)
        #expect(result == everyKind)
        #expect(!result.isTruncated)
    }

    @Test func propertiesSurviveTheWayThroughC() throws {
        let properties = AMQPProperties(
            contentType: "application/json", contentEncoding: "identity", headers: everyKind, deliveryMode: .persistent,
            priority: 4, correlationID: "c", replyTo: "r", expiration: "1000", messageID: "m", timestamp: 5, type: "t",
            userID: "u", appID: "a")
        let result = try CArena.with { (arena) throws(AMQPError) in
            unsafe FieldDecoder.properties(arena.properties(properties))
        }
        #expect(result == properties)
        let nothing = try CArena.with { (arena) throws(AMQPError) in
            unsafe FieldDecoder.properties(arena.properties(AMQPProperties()))
        }
        #expect(nothing == AMQPProperties())
    }

    /// What a broker says about a closed channel is printed: nothing in it may move a cursor or hide.
    @Test func cleansWordsForPeople() throws {
        let text = "NOT_FOUND\u{1B}[31m\r\nfake \u{202E}line\u{200B}é"
        let words = try CArena.with { (arena) throws(AMQPError) in unsafe FieldDecoder.words(arena.bytes(text)) }
        #expect(words == "NOT_FOUND [31m  fake  line é")
    }

    @Test func cutsNestingWithoutFollowingIt() throws {
        var value = AMQPFieldValue.string("deep")
        for _ in 0..<50 { value = .array([value]) }
        let result = try roundTrip(["deep": value, "flat": 1])
        #expect(result.isTruncated)
        #expect(result["flat"] == 1)
        var depth = 0
        var current = result["deep"]
        while case .array(let values)? = current {
            depth += 1
            current = values.first
        }
        #expect(depth == FieldDecoder.maximumDepth - 1)
        #expect(current == nil)
    }

    @Test func cutsTablesOfTooManyValues() throws {
        let many = AMQPTable((0..<5000).map { AMQPTable.Entry(key: "\($0)", value: 1) })
        let result = try roundTrip(many)
        #expect(result.isTruncated)
        #expect(result.count == FieldDecoder.maximumValues)
    }

    @Test func leavesOutStringsThatAreTooLong() throws {
        let limit = FieldDecoder.maximumStringBytes
        let result = try roundTrip([
            "fits": .string(String(repeating: "x", count: limit)),
            "long": .string(String(repeating: "x", count: limit + 1)),
        ])
        #expect(result.isTruncated)
        #expect(result["fits"]?.stringValue?.count == limit)
        #expect(result["long"] == nil)
    }

    @Test func setsReplacesAndRemoves() {
        var table: AMQPTable = ["a": 1]
        table["b"] = 2
        table["a"] = 3
        #expect(table.entries.map(\.key) == ["a", "b"])
        #expect(table["a"]?.intValue == 3)
        table["a"] = nil
        #expect(table.count == 1)
    }

    @Test func refusesMessagesThatCannotBeEncoded() {
        func problem(_ change: (inout AMQPMessage) -> Void) -> AMQPError? {
            var message = AMQPMessage(
                exchange: "x", routingKey: "k", properties: AMQPProperties(messageID: "m"), body: [1])
            change(&message)
            return message.problem(frameMax: 4096, maximumBodyBytes: 10)
        }
        let long = String(repeating: "k", count: 256)
        #expect(problem { _ in } == nil)
        #expect(problem { $0.routingKey = long }?.message.contains("routing_key") == true)
        #expect(problem { $0.exchange = long } != nil)
        #expect(problem { $0.properties.messageID = long } != nil)
        #expect(problem { $0.properties.headers = AMQPTable([.init(key: long, value: 1)]) } != nil)
        #expect(
            problem { $0.properties.headers = ["a": .array([.table(AMQPTable([.init(key: long, value: 1)]))])] } != nil)
        #expect(problem { $0.body = Array(repeating: 0, count: 11) } != nil)
        let error = problem { $0.properties.headers = ["big": .string(String(repeating: "x", count: 4096))] }
        #expect(error?.code == .invalidMessage)
        #expect(error?.isRetriable == false)
    }

    @Test(arguments: [
        ("3.10.8", true), ("3.9.28", false), ("4.0.0-rc.1", true), ("4", false), ("", false), ("x.y", false),
    ])
    func comparesVersions(version: String, expected: Bool) {
        #expect(AMQPServerInfo(product: "RabbitMQ", version: version).isAtLeast(3, 10) == expected)
    }

    @Test func announcesItsCapabilities() throws {
        var configuration = AMQPConnectionConfiguration(endpoints: [], connectionName: "name")
        configuration.clientProperties = ["product": "p", "version": "1.2"]
        let table = ClientProperties.table(configuration)
        #expect(table["connection_name"] == "name")
        #expect(table["product"] == "p")
        #expect(table["version"] == "1.2")
        guard case .table(let capabilities) = table["capabilities"] else {
            Issue.record("no capabilities")
            return
        }
        for name in [
            "connection.blocked", "consumer_cancel_notify", "publisher_confirms", "basic.nack",
            "authentication_failure_close",
        ] {
            #expect(capabilities[name] == true)
        }
    }

    @Test func roundsWaitsUp() {
        #expect(Duration.microseconds(1).pollMilliseconds == 1)
        #expect(Duration.milliseconds(5).pollMilliseconds == 5)
        #expect(Duration.seconds(-1).pollMilliseconds == 0)
        #expect(Duration.seconds(1_000_000_000).pollMilliseconds == 3_600_000)
        #expect(Duration(secondsComponent: .max, attosecondsComponent: 0).pollMilliseconds == 3_600_000)
    }

    @Test func refusesConfigurationsThatCannotWork() {
        func code(_ change: (inout AMQPConnectionConfiguration) -> Void) -> AMQPError.Code? {
            var configuration = AMQPConnectionConfiguration(
                endpoints: [AMQPEndpoint(host: "h", port: 1)], connectionName: "c")
            change(&configuration)
            do throws(AMQPError) { try configuration.validate() } catch { return error.code }
            return nil
        }
        #expect(code { _ in } == nil)
        #expect(code { $0.heartbeat = .zero } == nil)
        #expect(code { $0.endpoints = [] } == .invalidConfiguration)
        #expect(code { $0.heartbeat = .milliseconds(500) } == .invalidConfiguration)
        #expect(code { $0.heartbeat = .seconds(601) } == .invalidConfiguration)
        #expect(code { $0.tls.certificateFile = "c" } == .invalidConfiguration)
        #expect(code { $0.rpcTimeout = .zero } == .invalidConfiguration)
    }
}
