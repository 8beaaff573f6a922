// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Testing

@testable import AMQP
@testable import Worker

/// How many looks a dead-letter queue allows, and when a look is too dangerous.
@Suite struct DeliveryAllowanceTests {
    private static let old = AMQPServerInfo(product: "RabbitMQ", version: "3.10.8")
    private static let new = AMQPServerInfo(product: "RabbitMQ", version: "4.0.5")

    @Test(
        arguments: [
            (#"{"type":"quorum","arguments":{"x-delivery-limit":1000000}}"#, 1_000_000, 1_000_000),
            (#"{"type":"quorum","arguments":{}}"#, nil, 20), (#"{"type":"quorum"}"#, nil, 20),
            (#"{"type":"classic","arguments":{}}"#, nil, nil),
            (#"{"type":"quorum","arguments":{},"effective_policy_definition":{"delivery-limit":50}}"#, 50, 50),
            (
                #"{"type":"quorum","arguments":{"x-delivery-limit":1000000},"effective_policy_definition":{"delivery-limit":9}}"#,
                9, 9
            ), (#"{"type":"quorum","arguments":{"x-delivery-limit":-1}}"#, nil, nil),
            (
                #"{"type":"quorum","arguments":{"x-delivery-limit":-1},"effective_policy_definition":{"delivery-limit":9}}"#,
                0, 0
            ),
        ] as [(String, Int?, Int?)])
    func theManagementAPITellsExactly(text: String, before: Int?, since: Int?) throws {
        let queue = try StrictJSON.parse(Array(text.utf8))
        let (three, four) = (
            DeliveryAllowance(management: queue, server: Self.old),
            DeliveryAllowance(management: queue, server: Self.new)
        )
        #expect(three?.limit == before && three?.isKnown == true)
        #expect(four?.limit == since && four?.isKnown == true)
        #expect(four?.isByPolicy == text.contains("effective_policy_definition"))
    }

    @Test func anAnswerAboutSomethingElseTellsNothing() {
        #expect(DeliveryAllowance(management: .object(JSONObject()), server: Self.new) == nil)
        #expect(DeliveryAllowance(management: .array([]), server: Self.new) == nil)
    }

    private func refusal(_ argument: String?, current: String? = nil) -> AMQPError {
        var error = AMQPError(.topologyMismatch, "differs", replyCode: 406)
        error.mismatch = argument.map {
            AMQPTopologyMismatch(kind: "queue", name: "dead", argument: $0, declared: "1000000", current: current)
        }
        return error
    }

    @Test func aDifferenceTellsTheLimit() throws {
        let low = try DeliveryAllowance.judged(refusal("x-delivery-limit", current: "7"), server: Self.new)
        #expect(low.limit == 7 && low.isKnown)
        let none = try DeliveryAllowance.judged(refusal("x-delivery-limit"), server: Self.new)
        #expect(none.limit == 20 && none.isKnown)
        #expect(try DeliveryAllowance.judged(refusal("x-delivery-limit"), server: Self.old).limit == nil)
        #expect(
            try DeliveryAllowance.judged(refusal("x-queue-type", current: "classic"), server: Self.new).limit == nil)
        for error in [refusal("x-max-length"), refusal(nil), AMQPError(.accessRefused, "no")] {
            let allowance = try DeliveryAllowance.judged(error, server: Self.old)
            #expect(allowance.limit == 20 && !allowance.isKnown)
        }
        #expect(throws: AMQPError.self) {
            try DeliveryAllowance.judged(AMQPError(.connectionLost, "gone"), server: Self.new)
        }
    }

    @Test func warnsWhereALookSpendsSomethingScarce() {
        #expect(DeliveryAllowance.unlimited("x").warning(queue: "q") == nil)
        #expect(DeliveryAllowance.limited(1_000_000, "x").warning(queue: "q") == nil)
        let low = DeliveryAllowance.limited(20, "the default").warning(queue: "q")
        #expect(low?.contains("q destroys messages that are looked at more than 20 times (the default)") == true)
        let feared = DeliveryAllowance.unknown("no permission").warning(queue: "q")
        #expect(feared?.contains("not to be known (no permission)") == true)
        let policy = DeliveryAllowance(limit: 9, isKnown: true, source: "x", isByPolicy: true).warning(queue: "q")
        #expect(policy?.contains("raise delivery-limit in the policy") == true)
        #expect([low, feared].allSatisfy { $0?.contains("x-delivery-limit=1000000") == true })
    }

    @Test(arguments: [(0, true), (3, true), (4, false), (20, false)])
    func forbidsWhatCouldBeTheLastLook(limit: Int, forbids: Bool) {
        #expect(DeliveryAllowance.limited(limit, "x").forbidsLooking == forbids)
    }

    @Test func stopsInTime() {
        let scarce = DeliveryAllowance.limited(20, "x")
        #expect(
            [0, 9, 10, 19, 20, 21, 500].map(scarce.isNearlySpent) == [false, false, true, true, true, false, false])
        #expect(DeliveryAllowance.unknown("x").isNearlySpent(10))
        let ample = DeliveryAllowance.limited(1_000_000, "x")
        #expect([0, 20, 999_899, 999_900].map(ample.isNearlySpent) == [false, false, false, true])
        #expect(!DeliveryAllowance.unlimited("x").isNearlySpent(.max))
        #expect(!DeliveryAllowance.unlimited("x").forbidsLooking && !DeliveryAllowance.unknown("x").forbidsLooking)
    }
}
