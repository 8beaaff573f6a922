// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

@Suite struct PauseOrdersTests {
    static let order = PauseOrder(by: "ops@host", at: Timestamp(milliseconds: 1_763_000_000_000), reason: "why")

    static func mark(_ nonce: String, seconds: Int64 = 0) -> ResumeMark {
        ResumeMark(by: "ops@host", at: Timestamp(milliseconds: 1_763_000_000_000 + seconds * 1000), nonce: nonce)
    }

    @Test func aDocumentIsReadAsItWasWritten() throws {
        var orders = PauseOrders()
        orders.pause(nil, Self.order)
        orders.pause("acme", PauseOrder(by: "x@y", at: Self.order.at))
        orders.resume("other", Self.mark("n-1"))
        orders.nonce = "n-2"
        let bytes = try PauseOrdersCodec.encode(orders)
        #expect(try PauseOrdersCodec.decode(bytes) == orders)
        #expect(try PauseOrdersCodec.encode(PauseOrdersCodec.decode(bytes)) == bytes)
    }

    @Test func whatIsLeftOutIsNotPaused() throws {
        #expect(try PauseOrdersCodec.decode(Array(#"{"schema":1}"#.utf8)) == PauseOrders())
        #expect(PauseOrders().isEmpty)
    }

    @Test(arguments: [
        (#"{"schema":2,"tenants":"of another shape"}"#, "newer"), (#"{}"#, "cannot be read"), ("", "cannot be read"),
        (#"{"schema":1,"everything":{"by":"x"}}"#, "cannot be read"),
        (#"{"schema":1,"everything":{"by":"x","at":"yesterday"}}"#, "cannot be read"), ("[1]", "cannot be read"),
        (#"{"schema":1,"tenants":["acme"]}"#, "cannot be read"),
    ])
    func whatIsNoSuchDocumentIsRefused(text: String, why: String) {
        let error = #expect(throws: UnreadableState.self) { try PauseOrdersCodec.decode(Array(text.utf8)) }
        #expect(error?.message.contains(why) == true, "\(error?.message ?? "")")
    }

    @Test func documentsAreBounded() throws {
        let long = Array(#"{"schema":1}"#.utf8) + [UInt8](repeating: 32, count: PauseOrdersCodec.maximumBytes)
        #expect(throws: UnreadableState.self) { try PauseOrdersCodec.decode(long) }
        var orders = PauseOrders()
        for number in 0...PauseOrdersCodec.maximumTenants { orders.pause("tenant-\(number)", Self.order) }
        #expect(throws: UnreadableState.self) { try PauseOrdersCodec.encode(orders) }
    }

    @Test func textsAreCleanedWhoeverWroteThem() throws {
        let long = String(repeating: "x", count: 5000)
        let text =
            #"{"schema":1,"everything":{"by":"a\u001b[2Jb","at":"2026-11-23T01:23:45.678Z","reason":"\#(long)"}}"#
        let order = try #require(try PauseOrdersCodec.decode(Array(text.utf8)).everything)
        #expect(order.by == "a [2Jb")
        #expect((1...512).contains(order.reason?.utf8.count ?? 0))
        #expect(PauseOrder(by: "x", at: Self.order.at, reason: " \n ").reason == nil)
    }

    @Test func aSecondOrderDoesNotReplaceTheFirst() {
        let second = PauseOrder(by: "second@host", at: Timestamp(milliseconds: 0))
        var orders = PauseOrders()
        orders.pause("acme", Self.order)
        orders.pause("acme", second)
        orders.pause(nil, Self.order)
        orders.pause(nil, second)
        #expect(orders.tenants == ["acme": Self.order] && orders.everything == Self.order)
    }

    @Test func resumingEverythingLeavesTenantsPaused() {
        var orders = PauseOrders()
        orders.pause("acme", Self.order)
        orders.pause(nil, Self.order)
        orders.resumeEverything()
        #expect(orders.everything == nil && orders.tenants.keys.sorted() == ["acme"])
        #expect(!orders.isEmpty)
    }

    @Test func everyResumptionIsNewsOnce() {
        var earlier = PauseOrders()
        earlier.resume("acme", Self.mark("n-1"))
        var later = earlier
        #expect(later.resumed(since: earlier) == [])
        later.resume("acme", Self.mark("n-2"))
        later.resume("other", Self.mark("n-3"))
        #expect(later.resumed(since: earlier) == ["acme", "other"])
        #expect(later.resumed(since: later) == [])
    }

    @Test func oldMarksMakeRoom() throws {
        var orders = PauseOrders()
        for number in 0..<PauseOrdersCodec.maximumTenants + 5 {
            orders.resume("t\(number)", Self.mark("n\(number)", seconds: Int64(number)))
        }
        #expect(orders.resumed.count == PauseOrdersCodec.maximumTenants)
        #expect(orders.resumed["t4"] == nil && orders.resumed["t5"] != nil)
        _ = try PauseOrdersCodec.encode(orders)
    }

    @Test func noTenantCanClaimTheFolder() {
        let keys = StateKeys(prefix: "s/")
        #expect(keys.pauseOrders == "s/_control/pause.json")
        #expect(keys.checkpoint(tenant: "_control", commandID: "pause") == "s/%5Fcontrol/pause.json")
    }

    /// For the published schema.
    @Test(.enabled(if: SchemaDocuments.folder != nil)) func documents() throws {
        var orders = PauseOrders()
        try SchemaDocuments.write(try PauseOrdersCodec.encode(orders), "pause-orders/empty")
        orders.nonce = "n"
        orders.pause(nil, Self.order)
        orders.pause("acme", PauseOrder(by: "x@y", at: Self.order.at))
        orders.resume("other", Self.mark("n-1"))
        let bytes = try PauseOrdersCodec.encode(orders)
        try SchemaDocuments.write(bytes, "pause-orders/full")
        let changes: [(String, JSONValue?)] = [
            ("schema", 2), ("everything.at", "yesterday"), ("tenants.acme.by", nil), ("resumed.other.nonce", nil),
            ("x", 1),
        ]
        for (name, value) in changes {
            try SchemaDocuments.write(
                try SchemaDocuments.changed(bytes, name, value), "pause-orders/refused/\(name)")
        }
    }
}
