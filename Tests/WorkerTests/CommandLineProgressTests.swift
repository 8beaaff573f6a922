// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import Worker

@Suite struct CommandLineProgressTests {
    static let bar = ProgressBar(
        stage: "transfer", fraction: 0.52, bytes: 4_509_715_661, total: 8 << 30, rate: 310 * 1_048_576, label: "cmd-1")

    @Test func theBarFitsTheWidth() {
        for width in 0...130 { #expect(ProgressText.columns(Self.bar.render(width: width)) <= width, "\(width)") }
    }

    @Test func whatDoesNotFitIsLeftOutByWeight() {
        #expect(Self.bar.render(width: 130).hasSuffix("52 %  4.2 GiB of 8.0 GiB  310 MiB/s  cmd-1"))
        #expect(Self.bar.render(width: 58).hasSuffix("52 %  4.2 GiB of 8.0 GiB  310 MiB/s") == false)
        #expect(Self.bar.render(width: 58).contains("4.2 GiB of 8.0 GiB"))
        #expect(Self.bar.render(width: 30).contains("[===") && Self.bar.render(width: 30).hasSuffix("52 %"))
        #expect(Self.bar.render(width: 16) == "transfer  52 %")
        #expect(Self.bar.render(width: 5) == "trans")
        #expect(Self.bar.render(width: 0).isEmpty)
    }

    @Test(arguments: [
        (0.0, "[          ]   0 %"), (0.05, "[          ]   5 %"), (0.5, "[====>     ]  50 %"),
        (0.999, "[========> ]  99 %"), (1.0, "[==========] 100 %"),
    ])
    func theBarFillsFromEndToEnd(fraction: Double, text: String) {
        let bar = ProgressBar(stage: "poll", fraction: fraction, label: "a long name that never fits into the line")
        #expect(bar.render(width: 28) == "poll      \(text)")
    }

    @Test func nobodyKnowsHowFar() {
        let bar = ProgressBar(stage: "poll", label: "cmd-1")
        #expect(bar.render(width: 28) == "poll      [..........]    - ")
        #expect(bar.sentence == "cmd-1: poll")
    }

    @Test func hostileNamesCannotMoveTheCursor() {
        let bar = ProgressBar(stage: "po\u{1B}[2Jll", fraction: 0, label: "a\r\nb\u{202E}")
        for text in [bar.render(width: 120), bar.sentence] {
            #expect(!text.unicodeScalars.contains { LogText.isHidden($0) }, "\(text)")
        }
    }

    @Test(arguments: [
        (0.0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_677_722, "1.6 MiB"), (104_857_600, "100 MiB"),
        (1e30, "909494701772928256 TiB"), (52_428_800, "50.0 MiB"),
    ])
    func bytesAreForPeople(count: Double, text: String) {
        #expect(ProgressText.bytes(count) == text)
    }

    @Test(arguments: [
        (ProgressUpdate(commandID: "c", stage: "s", percent: 250), 1.0),
        (ProgressUpdate(commandID: "c", stage: "s", percent: -3), 0),
        (ProgressUpdate(commandID: "c", stage: "s", percent: .nan, bytes: 1, total: 4), 0.25),
        (ProgressUpdate(commandID: "c", stage: "s", bytes: 1, total: 0), nil),
    ])
    func fractionsStayInBounds(update: ProgressUpdate, fraction: Double?) {
        #expect(update.fraction == fraction)
    }
}

/// A display whose time, width and output belong to the test.
final class Screen: Sendable {
    private struct State {
        var now = Duration.zero
        var drawn: [String?] = []
        var lines: [String] = []
    }

    private let state = Mutex(State())

    var drawn: [String?] { state.withLock { $0.drawn } }
    var lines: [String] { state.withLock { $0.lines } }

    func advance(_ duration: Duration) { state.withLock { $0.now += duration } }

    func display(isTerminal: Bool, expected: Int = 1) -> ProgressDisplay {
        ProgressDisplay(
            expected: expected,
            environment: .init(
                isTerminal: isTerminal, width: { 100 }, now: { self.state.withLock { $0.now } },
                setStatus: { text in self.state.withLock { $0.drawn.append(text) } },
                write: { text in self.state.withLock { $0.lines.append(text) } }))
    }
}

@Suite struct CommandLineDisplayTests {
    private func update(_ stage: String, _ bytes: Int? = nil) -> ProgressUpdate {
        ProgressUpdate(commandID: "cmd-1", stage: stage, bytes: bytes, total: bytes.map { _ in 1000 })
    }

    @Test func aTerminalIsRedrawnAtMostTenTimesASecond() {
        let screen = Screen()
        let display = screen.display(isTerminal: true)
        display.update(update("transfer", 0))
        for bytes in 1...99 {
            screen.advance(.milliseconds(1))
            display.update(update("transfer", bytes))
        }
        #expect(screen.drawn.count == 1)
        screen.advance(.milliseconds(1))
        display.update(update("transfer", 100))
        #expect(screen.drawn.count == 2)
        display.update(update("verify"))
        #expect(screen.drawn.count == 3)
        #expect(screen.lines.isEmpty)
    }

    @Test func theEndTakesTheBarAwayAndStays() {
        let screen = Screen()
        let display = screen.display(isTerminal: true)
        display.update(update("transfer", 0))
        display.finished("cmd-1", .success("s3://bucket/key"))
        #expect(screen.drawn.last == .some(nil))
        #expect(screen.lines == ["cmd-1: done: s3://bucket/key\n"])
    }

    @Test func elsewhereThereIsALineForEachStageAndNowAndThen() {
        let screen = Screen()
        let display = screen.display(isTerminal: false)
        display.update(update("poll"))
        display.update(update("transfer", 0))
        screen.advance(.seconds(5))
        display.update(update("transfer", 500))
        screen.advance(.seconds(5))
        display.update(update("transfer", 1000))
        display.finished("cmd-1", .failure("model_not_found"))
        #expect(
            screen.lines == [
                "cmd-1: poll\n", "cmd-1: transfer 0 % (0 B of 1000 B)\n",
                "cmd-1: transfer 100 % (1000 B of 1000 B, 100 B/s)\n", "cmd-1: failed: model_not_found\n",
            ])
        #expect(screen.drawn.isEmpty)
    }

    @Test func severalCommandsAreCounted() throws {
        let screen = Screen()
        let display = screen.display(isTerminal: true, expected: 4)
        display.finished("a", .success("x"))
        display.finished("b", .failure("y"))
        display.update(update("transfer", 10))
        let text = try #require(screen.drawn.last.flatMap { $0 })
        #expect(text.contains(" 50 %") && text.hasSuffix("2 of 4, 1 failed"))
        display.finished("c", .success("x"))
        #expect(screen.drawn.last != .some(nil))
        display.finished("cmd-1", .success("x"))
        #expect(screen.drawn.last == .some(nil))
    }

    @Test func theRateForgetsTheLastStage() throws {
        let screen = Screen()
        let display = screen.display(isTerminal: true)
        display.update(update("transfer", 0))
        screen.advance(.seconds(1))
        display.update(update("transfer", 500))
        #expect(try #require(screen.drawn.last.flatMap { $0 }).contains("500 B/s"))
        screen.advance(.seconds(1))
        display.update(update("verify", 10))
        #expect(try #require(screen.drawn.last.flatMap { $0 }).contains("B/s") == false)
    }
}
