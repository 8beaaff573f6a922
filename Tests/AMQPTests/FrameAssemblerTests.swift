// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import AMQP

@Suite struct FrameAssemblerTests {
    private let head = ContentHead.delivery(
        consumerTag: "c", deliveryTag: 7, isRedelivered: true, exchange: "x", routingKey: "k")
    private let returned = ContentHead.returned(replyCode: 312, replyText: "NO_ROUTE", exchange: "x", routingKey: "k")

    @Test func assemblesABodyOfSeveralFrames() throws {
        var assembler = FrameAssembler(maximumBodyBytes: 10)
        try assembler.begin(head)
        #expect(try assembler.header(bodySize: 5, properties: AMQPProperties(messageID: "m")) == nil)
        #expect(assembler.keepsBody)
        #expect(try assembler.body([1, 2], count: 2) == nil)
        let content = try #require(try assembler.body([3, 4, 5], count: 3))
        #expect(content.head == head)
        #expect(content.properties.messageID == "m")
        #expect(content.body == [1, 2, 3, 4, 5])
        #expect(!content.isOversized)
        #expect(assembler.isIdle)
    }

    @Test func completesAnEmptyBodyWithItsHeader() throws {
        var assembler = FrameAssembler(maximumBodyBytes: 0)
        try assembler.begin(head)
        let content = try #require(try assembler.header(bodySize: 0, properties: AMQPProperties()))
        #expect(content.body.isEmpty)
        #expect(!content.isOversized)
        #expect(assembler.isIdle)
    }

    @Test func dropsABodyThatIsTooLargeAsItArrives() throws {
        var assembler = FrameAssembler(maximumBodyBytes: 4)
        try assembler.begin(head)
        #expect(try assembler.header(bodySize: 5, properties: AMQPProperties()) == nil)
        #expect(!assembler.keepsBody)
        #expect(try assembler.body([], count: 3) == nil)
        let content = try #require(try assembler.body([], count: 2))
        #expect(content.isOversized)
        #expect(content.body.isEmpty)
        #expect(content.bodySize == 5)
    }

    @Test func doesNotReserveWhatTheBrokerMerelyClaims() throws {
        var assembler = FrameAssembler(maximumBodyBytes: 4)
        try assembler.begin(head)
        #expect(try assembler.header(bodySize: .max, properties: AMQPProperties()) == nil)
        #expect(try assembler.body([], count: 131_064) == nil)
    }

    @Test func keepsNoBodyOfAReturnedMessage() throws {
        var assembler = FrameAssembler(maximumBodyBytes: 100)
        try assembler.begin(returned)
        #expect(try assembler.header(bodySize: 2, properties: AMQPProperties(messageID: "m")) == nil)
        #expect(!assembler.keepsBody)
        let content = try #require(try assembler.body([], count: 2))
        #expect(content.head == returned)
        #expect(content.properties.messageID == "m")
    }

    @Test func refusesFramesOutOfOrder() throws {
        var assembler = FrameAssembler(maximumBodyBytes: 10)
        #expect(throws: AMQPError.self) { try assembler.header(bodySize: 1, properties: AMQPProperties()) }
        #expect(throws: AMQPError.self) { try assembler.body([1], count: 1) }
        try assembler.begin(head)
        #expect(throws: AMQPError.self) { try assembler.begin(head) }
        #expect(throws: AMQPError.self) { try assembler.body([1], count: 1) }
        _ = try assembler.header(bodySize: 1, properties: AMQPProperties())
        #expect(throws: AMQPError.self) { try assembler.begin(head) }
    }

    @Test func refusesABodyLongerThanAnnounced() throws {
        var assembler = FrameAssembler(maximumBodyBytes: 10)
        try assembler.begin(head)
        _ = try assembler.header(bodySize: 3, properties: AMQPProperties())
        do throws(AMQPError) {
            _ = try assembler.body([1, 2, 3, 4], count: 4)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .protocolViolation)
        }
    }
}
