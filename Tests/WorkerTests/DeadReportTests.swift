// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Testing

@testable import AMQP
@testable import Worker

/// What `dead list` and `dead show` print.
@Suite struct DeadReportTests {
    private let keys = StateKeys()

    private func look(_ ready: UInt32, keptOrder: Bool = true, consumers: UInt32 = 0) -> AMQPLook {
        AMQPLook(
            queue: AMQPQueueState(name: "dead", messageCount: ready, consumerCount: consumers), taken: Int(ready),
            keptOrder: keptOrder)
    }

    private func report(
        _ letters: [DeadLetter], _ documents: [String: [UInt8]] = [:], filter: DeadLetterFilter = DeadLetterFilter(),
        limit: Int = 100, ready: UInt32? = nil, trouble: RecordTrouble? = nil, spent: Int? = nil, keptOrder: Bool = true
    ) async -> DeadListReport {
        let look = look(ready ?? UInt32(letters.count), keptOrder: keptOrder)
        var report = DeadListReport(
            queue: "dead", view: DeadQueueView(kept: letters, look: look, spent: spent), now: DeadSample.now)
        let records = DeadLetterRecords(
            keys: keys,
            read: { key throws(RecordTrouble) in
                if let trouble { throw trouble }
                return documents[key]
            })
        await report.judge(letters, filter, limit: limit, by: records)
        return report
    }

    private func failed() throws -> [String: [UInt8]] {
        [keys.checkpoint(tenant: "acme", commandID: "c-1"): try CheckpointCodec.encode(DeadSample.checkpoint())]
    }

    @Test func theTableShowsWhatWasRecorded() async throws {
        let lines = await report([DeadSample.letter()], try failed()).lines
        #expect(
            lines == [
                "POS  COMMAND  TENANT  MODEL  VERSION  CODE             STAGE     ATTEMPTS  WHEN",
                "1    c-1      acme    m      1.0      model_not_found  validate  3         "
                    + "2025-11-13T00:43:20Z (1h ago)",
                "     no such [31m model", "dead holds 1 dead letter, 1 shown",
            ])
    }

    @Test func anEmptyQueueIsASentence() async {
        let report = await report([])
        #expect(report.lines == ["dead holds 0 dead letters, 0 shown"] && report.complaints == [])
    }

    @Test func whatTheBucketDoesNotTellIsSaidOnce() async throws {
        let trouble = RecordTrouble(text: "no bucket", isGeneral: true)
        let letters = [
            DeadSample.letter(headers: DeadSample.death("rejected")), DeadSample.letter("nonsense\u{9B}2J", id: "m-1"),
        ]
        let report = await report(letters, trouble: trouble)
        #expect(report.complaints == ["why they are dead is not to be known: no bucket"])
        #expect(report.lines.contains { $0.contains("(unknown)") && $0.contains("c-1") })
        #expect(report.lines.contains { $0.hasSuffix("the broker says: rejected from commands, 2 times") })
        let document = report.document
        #expect(document["letters"]?.array?.map { $0["record"]?.string } == ["unknown", "unknown"])
        #expect(document["troubles"]?.array?.count == 1)
    }

    @Test func aFilterThatNeedsTheBucketSaysWhatItCouldNotTell() async {
        let letters = Array(repeating: DeadSample.letter(), count: 600)
        let trouble = RecordTrouble(text: "no bucket", isGeneral: true)
        let report = await report(letters, filter: DeadLetterFilter(codes: ["job_timeout"]), trouble: trouble)
        #expect(report.letters.isEmpty && report.uncertain == 600)
        #expect(report.complaints.last == "600 more may be meant (see nlu-export-worker doctor)")
    }

    @Test func limitsAreSaid() async throws {
        let letters = Array(repeating: DeadSample.letter(), count: 5)
        let unseen = await report(letters, try failed(), limit: 5, ready: 9)
        #expect(unseen.lines.last == "dead holds 9 dead letters, 5 shown; there are more: raise --limit")
        let filter = DeadLetterFilter(codes: ["model_not_found"])
        let cut = await report(letters, try failed(), filter: filter, limit: 3)
        #expect(cut.letters.count == 3 && cut.isCut)
        let whole = await report(letters, try failed(), filter: filter, limit: 5)
        #expect(whole.letters.count == 5 && !whole.isCut)
    }

    @Test func whatIsDangerousIsSaid() async {
        let report = await report([], spent: 15, keptOrder: false)
        #expect(report.complaints.count == 2)
        #expect(report.complaints[0].contains("returned 15 times") && report.complaints[0].contains("--anyway"))
        #expect(report.complaints[1].contains("order of dead may have changed"))
    }

    @Test func everyRecordHasCodeReasonAndRemedy() async throws {
        let run = DeadLetterRecord.Run(id: "r", runs: 1, attempts: 0)
        let records: [(DeadLetterRecord, code: String, reason: String)] = [
            (.failed(DeadSample.outcome(), run: run, isOwn: false, key: "k"), "model_not_found", "another message"),
            (.completed(DeadSample.outcome(nil), run: run, key: "k"), "(completed)", "s3://b/k"),
            (.undecided(run, stage: "claimed", owner: "w", key: "k"), "(undecided)", "owned by w"),
            (.nothing(keys: ["k"]), "(expired)", "expired from commands"), (.unknown(why: "x"), "(unknown)", "now"),
        ]
        for (record, code, reason) in records {
            let judged = JudgedDeadLetter(
                letter: DeadSample.letter(headers: DeadSample.death("expired")), record: record)
            #expect(judged.code == code)
            #expect(judged.reason.contains(reason), "\(judged.reason)")
            #expect(!judged.remedy.isEmpty)
        }
    }

    // MARK: Show

    private func shown(_ delivery: AMQPDelivery, _ record: DeadLetterRecord) throws -> DeadShowReport {
        var settings = try Sample.inspect("", [:]).settings
        settings.s3.bucket = "b"
        let letter = DeadLetter(position: 1, delivery, maximumBytes: 65_536)
        return DeadShowReport(
            queue: "dead", view: DeadQueueView<Int>(kept: [], look: look(1), spent: nil),
            letters: [(JudgedDeadLetter(letter: letter, record: record), delivery)], place: BucketPlace(settings),
            now: DeadSample.now)
    }

    @Test func showsTheWholeMessageAndItsFailure() throws {
        let run = DeadLetterRecord.Run(id: "run-1", runs: 2, attempts: 3)
        let report = try shown(
            DeadSample.delivery(headers: DeadSample.death("rejected")),
            .failed(DeadSample.outcome(), run: run, isOwn: true, key: "state/acme/c-1.json"))
        let text = report.lines.joined(separator: "\n")
        let size = DeadSample.command.utf8.count
        for part in [
            "dead letter 1 of 1 in dead", "command         c-1", "code            model_not_found",
            "HTTP status     404",
            "audit record    s3://b/audit/2026/11/23/id.json", "state           s3://b/state/acme/c-1.json",
            "remedy          correct modelId", "attempts        3 failed in a row, in run 2 (run-1)",
            "order anew      nlu-export-worker submit --model m --version 1.0 --format ONNX --tenant acme "
                + #"--metadata 'a=it'\''s'"#,
            #"  "message_id": "c-1""#, #"      "reason": "rejected","#, #"  "modelId": "m","#, "body (\(size) bytes)",
        ] { #expect(text.contains(part), "\(part) is missing in:\n\(text)") }
        let letter = try #require(report.document["letters"]?.array?.first)
        #expect(letter["body"]?.string == DeadSample.command)
        #expect(letter["headers"]?["x-death"]?.array?.first?["reason"]?.string == "rejected")
        #expect(letter["failure"]?["code"]?.string == "model_not_found")
        #expect(letter["auditRecord"]?.string == "s3://b/audit/2026/11/23/id.json")
    }

    @Test func nothingInAMessageReachesTheTerminalAsItIs() throws {
        let evil = "\u{1B}[2J\u{9B}31m\u{202E}\u{200B}"
        let bodies = [evil, #"{"modelId":"\#(evil.dropFirst())","\#(evil.dropFirst())":1}"#]
        for body in bodies {
            let delivery = DeadSample.delivery(body, id: evil, headers: ["\(evil)k": .string(evil)])
            let report = try shown(delivery, .unknown(why: evil))
            let scalars = report.lines.joined().unicodeScalars
            #expect(!scalars.contains { LogText.isHidden($0) })
            #expect(!JSONText.safe(report.document).unicodeScalars.contains { LogText.isHidden($0) })
        }
    }

    @Test func bodiesThatAreNoText() throws {
        var delivery = DeadSample.delivery()
        delivery.body = [0xFF, 0x00]
        #expect(MessageBody(delivery).lines.last == "/wA=")
        #expect(MessageBody(delivery).member == JSONMember(name: "bodyBase64", value: "/wA="))
        delivery.isOversized = true
        #expect(MessageBody(delivery).member == JSONMember(name: "body", value: .null))
    }

    @Test func everyCodeHasARemedy() {
        #expect(Set(FailureCode.allCases.map(\.remedy)).count == FailureCode.allCases.count)
    }

    @Test(arguments: [("plain-1.0/x", "plain-1.0/x"), ("", "''"), ("a b", "'a b'"), ("'", #"''\'''"#), ("$x", "'$x'")])
    func wordsAreQuotedForAShell(word: String, quoted: String) { #expect(ShellText.quoted(word) == quoted) }

    @Test func valuesThatLookLikeOptionsStayValues() throws {
        let letter = DeadSample.letter(#"{"commandId":"c","modelId":"-m","version":"1"}"#)
        let judged = JudgedDeadLetter(letter: letter, record: .nothing(keys: []))
        #expect(judged.submission == "nlu-export-worker submit --model=-m --version 1 --format ONNX --tenant default")
    }

    @Test(arguments: [(30, "30s ago"), (90, "1m ago"), (7200, "2h ago"), (172_800, "2d ago"), (-50, "0s ago")])
    func agesAreShort(seconds: Int64, text: String) {
        let then = Timestamp(milliseconds: DeadSample.now.milliseconds - seconds * 1000)
        #expect(AgeText.age(then, now: DeadSample.now) == text)
    }
}
