// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import AMQP

@Suite struct DeclarationFailureTests {
    private func refused(_ text: String, code: Int = 406) -> AMQPError {
        DeclarationFailure.describe(
            WireStatus.closed(code, text, channel: true, broker: "amqp://u@h:1"), kind: "queue", name: "q")
    }

    /// What RabbitMQ 3.10 says, the argument it is about, and both values.
    struct Case: Sendable {
        var argument: String
        var declared: String?
        var current: String?
        var words: String
    }

    static let cases = [
        Case(
            argument: "x-delivery-limit", declared: "10", current: "20",
            words: "received the value '10' of type 'signedint' but current is the value '20' of type 'signedint'"),
        Case(
            argument: "durable", declared: "false", current: "true", words: "received 'false' but current is 'true'"),
        Case(
            argument: "x-overflow", declared: "it's", current: nil,
            words: "received the value 'it's' of type 'longstr' but current is none"),
        Case(
            argument: "x-queue-type", declared: nil, current: "quorum",
            words: "received none but current is the value 'quorum' of type 'longstr'"),
    ]

    @Test(arguments: cases)
    func namesArgumentAndBothValues(_ one: Case) throws {
        let error = refused(
            "PRECONDITION_FAILED - inequivalent arg '\(one.argument)' for queue 'q' in vhost '/': \(one.words)")
        let mismatch = try #require(error.mismatch)
        #expect(mismatch.argument == one.argument)
        #expect(mismatch.declared == one.declared)
        #expect(mismatch.current == one.current)
        #expect(error.code == .topologyMismatch)
        #expect(!error.isRetriable)
        #expect(error.message.contains("'q'"))
        #expect(error.message.contains(one.argument))
        #expect(error.message.contains(one.declared ?? "none"))
        #expect(error.message.contains(one.current ?? "none"))
        #expect(error.message.contains("delete it"))
    }

    @Test func keepsTheBrokersWordsWhenItCannotReadThem() {
        let error = refused("PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue 'q' in vhost '/'")
        #expect(error.mismatch == nil)
        #expect(error.code == .topologyMismatch)
        #expect("\(error)".contains("x-max-priority"))
    }

    @Test(arguments: ["inequivalent arg '", "inequivalent arg 'a", "inequivalent arg 'a': received ", ""])
    func survivesTextCutOff(text: String) {
        #expect(refused(text).code == .topologyMismatch)
    }

    @Test(arguments: [(404, AMQPError.Code.notFound), (405, .resourceLocked), (403, .accessRefused)])
    func namesTheObjectOfOtherRefusals(code: Int, expected: AMQPError.Code) {
        let error = refused("text", code: code)
        #expect(error.code == expected)
        #expect(error.message.contains("'q'"))
        #expect(error.replyCode == code)
    }
}
