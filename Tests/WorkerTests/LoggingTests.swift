// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import Worker

/// Collects what a writer puts out.
final class Collector: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    func writer(capacity: Int = LogWriter.maximumBytes) -> LogWriter {
        LogWriter(capacity: capacity, notice: { "dropped \($0)\n" }) { new in self.bytes.withLock { $0 += new } }
    }
}

@Suite struct LoggingTests {
    private func logged(
        _ form: WorkerLogHandler.Form, level: Logger.Level = .trace, _ body: (Logger) -> Void
    ) -> String {
        let collector = Collector()
        let writer = collector.writer()
        let logger = Logger(label: "test.logger") { label in
            WorkerLogHandler(label: label, form: form, level: level, writer: writer, now: { 1_795_397_025_678 })
        }
        body(logger)
        writer.close()
        return collector.text
    }

    @Test func aJSONLineHasItsKeysInOrder() {
        let text = logged(.json) {
            $0.info("stage done", metadata: ["b": "2", "a": ["y": "1", "x": ["z": "0"]], "n": .stringConvertible(7)])
        }
        #expect(
            text == """
                {"timestamp":"2026-11-23T01:23:45.678Z","level":"info","logger":"test.logger",\
                "message":"stage done","source":"WorkerTests","a.x.z":"0","a.y":"1","b":"2","n":7}

                """)
    }

    @Test func aTextLineIsForPeople() {
        let text = logged(.text) {
            $0.warning(
                "stage done", metadata: ["b": "two words", "a": ["y": "1"], "l": .array(["p", "q r"]), "q": "\""])
        }
        #expect(
            text == """
                2026-11-23T01:23:45.678Z WARNING  test.logger: stage done a.y=1 b="two words" l=[p,"q r"] q="\\""

                """)
    }

    static let hostile = "a\"\\\n\r\t\u{0}\u{1B}[2J\u{7F}\u{85}\u{200B}\u{202E}\u{2028}ä😀"

    @Test func hostileTextsStayOnOneLine() throws {
        for form in [WorkerLogHandler.Form.json, .text] {
            let text = logged(form) {
                $0.info(
                    "\(Self.hostile)", metadata: ["k\n": .string(Self.hostile), "l": .array([.string(Self.hostile)])])
            }
            #expect(text.hasSuffix("\n"))
            #expect(!text.dropLast().unicodeScalars.contains { LogText.isHidden($0) })
            #expect(text.contains("ä😀"))
        }
    }

    @Test func hostileTextsSurviveInJSON() throws {
        struct Line: Decodable { let message: String, k: String, l: [String] }
        let text = logged(.json) {
            $0.info("\(Self.hostile)", metadata: ["k": .string(Self.hostile), "l": .array([.string(Self.hostile)])])
        }
        let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
        #expect(line.message == Self.hostile && line.k == Self.hostile && line.l == [Self.hostile])
    }

    @Test func metadataCannotPoseAsAFixedKey() {
        let text = logged(.json) { $0.info("m", metadata: ["level": "critical", "timestamp": "x"]) }
        #expect(text.contains(#""level":"info""#) && text.contains(#""metadata.level":"critical""#))
        #expect(text.contains(#""metadata.timestamp":"x""#))
    }

    @Test func valuesAndFieldsAreBounded() {
        let long = String(repeating: "😀", count: 10_000)
        let many = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("k\($0)", Logger.MetadataValue.string("v")) })
        var deep = Logger.MetadataValue.string("v")
        for _ in 0..<1000 { deep = .dictionary(["d": deep]) }
        for form in [WorkerLogHandler.Form.json, .text] {
            #expect(logged(form) { $0.info("\(long)", metadata: ["k": .string(long)]) }.utf8.count < 4600)
            let text = logged(form) { $0.info("m", metadata: many) }
            #expect(text.utf8.count < 2000 && text.contains("log.omittedFields"))
            #expect(logged(form) { $0.info("m", metadata: ["d": deep]) }.utf8.count < 4600)
        }
    }

    @Test func cutTextsEndBetweenCharacters() {
        for limit in 3...20 {
            let text = LogText.cut("aä😀ä😀ä😀ä😀", limit)
            #expect(text.utf8.count <= limit && text.hasSuffix("…"), "\(limit)")
        }
        #expect(LogText.cut("abc", 3) == "abc")
    }

    @Test func levelsAndMetadataOfTheLoggerCount() {
        let text = logged(.text, level: .notice) { logger in
            var logger = logger
            logger[metadataKey: "command.id"] = "c-1"
            logger.info("no")
            logger.notice("yes", metadata: ["stage": "poll"])
            logger.error("overridden", metadata: ["command.id": "c-2"])
        }
        #expect(!text.contains(" no"))
        #expect(text.contains("yes command.id=c-1 stage=poll") && text.contains("overridden command.id=c-2"))
    }

    @Test func numbersStayNumbersInJSON() {
        let text = logged(.json) {
            $0.info(
                "m",
                metadata: [
                    "a": .stringConvertible(1.5), "b": .stringConvertible(true), "c": .stringConvertible(Double.nan),
                    "d": .stringConvertible(UInt64.max),
                ])
        }
        #expect(text.hasSuffix(#""a":1.5,"b":true,"c":"nan","d":18446744073709551615}"# + "\n"))
    }

    @Test func theFormFollowsTheTerminalUnlessItIsSet() {
        #expect(LogSetup.form(.auto, isTerminal: true) == .text && LogSetup.form(.auto, isTerminal: false) == .json)
        #expect(LogSetup.form(.json, isTerminal: true) == .json && LogSetup.form(.text, isTerminal: false) == .text)
        #expect(LogSetup.droppedNotice(3, .json).contains(#""log.dropped":3"#))
    }
}
