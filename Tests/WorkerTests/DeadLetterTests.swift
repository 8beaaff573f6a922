// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import ExportPipeline
import Testing

@testable import Worker

/// Dead letters made by hand.
enum DeadSample {
    static let command = #"{"commandId":"c-1","tenant":"acme","modelId":"m","version":"1.0","metadata":{"a":"it's"}}"#
    static let now = Timestamp(milliseconds: 1_763_000_000_000)

    static func delivery(
        _ body: String = command, id: String? = "c-1", headers: AMQPTable = AMQPTable(), size: Int? = nil
    ) -> AMQPDelivery {
        AMQPDelivery(
            queue: "dead", consumerTag: "", tag: AMQPDeliveryTag(generation: 1, tag: 1), isRedelivered: false,
            exchange: "x", routingKey: "k",
            properties: AMQPProperties(contentType: "application/json", headers: headers, messageID: id),
            body: Array(body.utf8), bodySize: UInt64(size ?? body.utf8.count), isOversized: size != nil)
    }

    static func letter(_ body: String = command, id: String? = "c-1", headers: AMQPTable = AMQPTable()) -> DeadLetter {
        DeadLetter(position: 1, delivery(body, id: id, headers: headers), maximumBytes: 65_536)
    }

    /// As RabbitMQ writes it, with the time in seconds.
    static func death(_ reason: String, queue: String = "commands", at seconds: UInt64 = 1_762_999_000) -> AMQPTable {
        [
            "x-death": .array([
                .table([
                    "count": 2, "reason": .string(reason), "queue": .string(queue), "time": .timestamp(seconds),
                    "exchange": "e", "routing-keys": .array(["k"]),
                ])
            ])
        ]
    }

    static func outcome(_ code: FailureCode? = .modelNotFound, minutesAgo: Int64 = 90) -> Outcome {
        Outcome(
            runID: "run-1", timestamp: Timestamp(milliseconds: now.milliseconds - minutesAgo * 60_000),
            durationSeconds: 1, commandID: "c-1", tenant: "acme", modelID: "m", version: "1.0", format: "ONNX",
            artifact: code == nil
                ? StoredArtifact(bucket: "b", key: "k", sizeBytes: 1, sha256: "s", checksum: nil) : nil,
            failure: code.map {
                Failure(code: $0, stage: .validate, message: "no such\u{1B}[31m model", httpStatus: 404)
            },
            worker: "host/1", actor: "automation_service", auditKey: "audit/2026/11/23/id.json")
    }

    static func checkpoint(
        of letter: DeadLetter = letter(), _ stage: Checkpoint.Stage = .decided, _ outcome: Outcome? = outcome(),
        fingerprint: String? = nil, token: String = "c-1"
    ) throws -> Checkpoint {
        guard case .command(let accepted) = letter.subject else { throw CancellationError() }
        var checkpoint = Checkpoint(
            commandID: "c-1", tenant: "acme", fingerprint: fingerprint ?? accepted.fingerprint, runID: "run-1",
            epoch: 1, owner: stage == .decided ? nil : "w-1", nonce: "n", messageToken: token, stage: stage, runs: 2,
            attempts: 3, claimedAt: now)
        checkpoint.outcome = stage == .decided ? outcome : nil
        return checkpoint
    }
}

@Suite struct DeadLetterTests {
    @Test func aCommandIsReadAsAWorkerReadsIt() {
        let letter = DeadSample.letter(headers: DeadSample.death("rejected"))
        #expect(letter.commandID == "c-1" && letter.tenant == "acme" && letter.modelID == "m")
        #expect(letter.version == "1.0" && letter.format == "ONNX" && letter.name == "c-1")
        #expect(
            letter.deaths == [
                Death(
                    reason: "rejected", queue: "commands", exchange: "e", count: 2,
                    at: Timestamp(milliseconds: 1_762_999_000_000))
            ])
    }

    @Test func whatIsNoCommandStillHasAName() {
        let letter = DeadSample.letter("nonsense", id: "m-1")
        #expect(letter.command == nil && letter.name == "m-1")
        #expect(letter.isCalled("m-1") && letter.isCalled(letter.digest) && !letter.isCalled("c-1"))
    }

    @Test(arguments: [nil, ""])
    func withoutAnyIDItsHashIsItsName(id: String?) {
        let nameless = DeadSample.letter("nonsense", id: id)
        #expect(nameless.name == nameless.digest.prefix(12) && nameless.isCalled(nameless.name))
        #expect(!nameless.isCalled(String(nameless.digest.prefix(11))) && !nameless.isCalled(""))
    }

    /// A worker drops such a body as it arrives, and records the message by its size.
    @Test func aBodyThatIsTooLongCountsAsDropped() {
        let body = #"{"modelId":"m","version":"1","x":""# + String(repeating: "y", count: 100) + #""}"#
        let whole = DeadLetter(position: 1, DeadSample.delivery(body), maximumBytes: 50)
        let dropped = DeadLetter(position: 1, DeadSample.delivery("", size: body.utf8.count), maximumBytes: 50)
        #expect(whole.digest == dropped.digest && whole.command == nil)
        let other = DeadLetter(position: 1, DeadSample.delivery("", size: body.utf8.count + 1), maximumBytes: 50)
        #expect(other.digest != whole.digest)
    }

    @Test func strangeHeadersDoNoHarm() {
        let strange: [AMQPFieldValue] = [
            .string("x"), .array(["x"]), .array([.table([:])]), .array([.table(["reason": 1])]), .void,
        ]
        for value in strange { #expect(DeadSample.letter(headers: ["x-death": value]).deaths == []) }
        let many = [AMQPFieldValue](repeating: .table(["reason": "r", "time": .timestamp(.max)]), count: 100)
        let deaths = DeadSample.letter(headers: ["x-death": .array(many)]).deaths
        #expect(deaths.count == 32 && deaths.first?.at == nil && deaths.first?.count == 1)
    }

    // MARK: Filters

    private func judged(_ record: DeadLetterRecord, headers: AMQPTable = AMQPTable()) -> JudgedDeadLetter {
        JudgedDeadLetter(letter: DeadSample.letter(headers: headers), record: record)
    }

    private func failed(minutesAgo: Int64 = 90) -> DeadLetterRecord {
        .failed(DeadSample.outcome(minutesAgo: minutesAgo), run: nil, isOwn: true, key: "k")
    }

    @Test func filtersByTenantAndModel() {
        let letter = DeadSample.letter()
        #expect(DeadLetterFilter().admits(letter) && DeadLetterFilter().isEmpty)
        #expect(DeadLetterFilter(tenant: "acme", model: "m").admits(letter))
        #expect(!DeadLetterFilter(tenant: "acme", model: "n").admits(letter))
        #expect(!DeadLetterFilter(tenant: "other").admits(letter))
        #expect(!DeadLetterFilter(tenant: "acme").admits(DeadSample.letter("nonsense")))
    }

    @Test func filtersByCode() {
        let filter = DeadLetterFilter(codes: ["model_not_found", "job_timeout"])
        let now = DeadSample.now
        #expect(filter.needsRecord)
        #expect(filter.admits(judged(failed()), at: now) == true)
        #expect(DeadLetterFilter(codes: ["job_timeout"]).admits(judged(failed()), at: now) == false)
        #expect(filter.admits(judged(.nothing(keys: [])), at: now) == false)
        #expect(filter.admits(judged(.unknown(why: "down")), at: now) == nil)
        let other = DeadLetterFilter(codes: ["job_timeout"], tenant: "other")
        #expect(other.admits(judged(.unknown(why: "down")), at: now) == false)
    }

    @Test func filtersByAge() {
        let now = DeadSample.now
        #expect(DeadLetterFilter(olderThan: .seconds(3600)).admits(judged(failed()), at: now) == true)
        #expect(DeadLetterFilter(olderThan: .seconds(7200)).admits(judged(failed()), at: now) == false)
        #expect(DeadLetterFilter(newerThan: .seconds(7200)).admits(judged(failed()), at: now) == true)
        #expect(DeadLetterFilter(newerThan: .seconds(3600)).admits(judged(failed()), at: now) == false)
        // Without a record the broker's own time serves, and without that nobody can tell.
        let unknown = DeadLetterRecord.unknown(why: "down")
        let died = judged(unknown, headers: DeadSample.death("rejected"))
        #expect(DeadLetterFilter(newerThan: .seconds(3600)).admits(died, at: now) == true)
        #expect(DeadLetterFilter(newerThan: .seconds(600)).admits(died, at: now) == false)
        #expect(DeadLetterFilter(newerThan: .seconds(600)).admits(judged(unknown), at: now) == nil)
        #expect(DeadLetterFilter(newerThan: .seconds(600)).admits(judged(.nothing(keys: [])), at: now) == false)
    }
}
