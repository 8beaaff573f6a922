// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Shows how commands come along: a bar that is redrawn on a terminal, plain lines elsewhere.
package final class ProgressDisplay: Sendable {
    /// Where the display goes, and what it needs to know of the world.
    struct Environment: Sendable {
        var isTerminal: Bool
        /// Columns of the terminal.
        var width: @Sendable () -> Int
        /// Time that only goes forward.
        var now: @Sendable () -> Duration
        /// Replaces the bar; nil takes it away.
        var setStatus: @Sendable (String?) -> Void
        /// Writes a line that stays; the line end is its own.
        var write: @Sendable (String) -> Void
    }

    /// The least time between two drawings of the bar.
    static let redrawInterval = Duration.milliseconds(100)
    /// Plain lines: the least time between two of one stage.
    static let lineInterval = Duration.seconds(10)

    private let environment: Environment
    private let expected: Int
    private let state = Mutex(State())

    private struct State {
        var tracks: [String: ProgressTrack] = [:]
        var succeeded = 0
        var failed = 0
        var lastDrawn: Duration?
    }

    init(expected: Int, environment: Environment) {
        self.expected = expected
        self.environment = environment
    }

    /// A display on standard error for `expected` commands. The bar goes through the process's log writer, so that log
    /// lines and bar do not overwrite each other.
    package static func standardError(expected: Int = 1) -> ProgressDisplay {
        let writer = LogSetup.current
        let start = ContinuousClock.now
        return ProgressDisplay(
            expected: expected,
            environment: Environment(
                isTerminal: isatty(STDERR_FILENO) == 1, width: terminalWidth, now: { ContinuousClock.now - start },
                setStatus: { writer.setStatus($0) }, write: { writer.write($0, isDroppable: false) }))
    }

    /// Shows news of a command.
    package func update(_ update: ProgressUpdate) {
        let now = environment.now()
        let text = state.withLock { state -> String? in
            var track = state.tracks[update.commandID] ?? ProgressTrack()
            let isNewStage = track.take(update, at: now)
            defer { state.tracks[update.commandID] = track }
            if environment.isTerminal {
                if !isNewStage, let last = state.lastDrawn, now - last < Self.redrawInterval { return nil }
                state.lastDrawn = now
                return bar(track, state).render(width: environment.width() - 1)
            }
            guard isNewStage || track.isDue(at: now, every: Self.lineInterval) else { return nil }
            track.wasTold(at: now)
            return track.bar(label: update.commandID).sentence + "\n"
        }
        guard let text else { return }
        if environment.isTerminal { environment.setStatus(text) } else { environment.write(text) }
    }

    /// Shows the end of a command, which stays on the screen.
    package func finished(_ commandID: String, _ result: ProgressResult) {
        let isLast = state.withLock { state in
            state.tracks[commandID] = nil
            switch result {
            case .success: state.succeeded += 1
            case .failure: state.failed += 1
            }
            return state.succeeded + state.failed >= expected
        }
        if environment.isTerminal && isLast { environment.setStatus(nil) }
        let name = LogText.clean(commandID, limit: 160)
        switch result {
        case .success(let text): environment.write("\(name): done: \(LogText.clean(text))\n")
        case .failure(let text): environment.write("\(name): failed: \(LogText.clean(text))\n")
        }
    }

    /// Shows a remark, which stays on the screen above the bar.
    package func interject(_ remark: String) { environment.write("\(LogText.clean(remark))\n") }

    /// Takes the bar away, whatever is still under way.
    package func close() {
        if environment.isTerminal { environment.setStatus(nil) }
    }

    /// One command: its own bar. Several: how many are done, and what the one with news is doing.
    private func bar(_ track: ProgressTrack, _ state: State) -> ProgressBar {
        guard expected > 1 else { return track.bar(label: track.commandID) }
        let done = state.succeeded + state.failed
        var bar = track.bar(label: "\(done) of \(expected)\(state.failed > 0 ? ", \(state.failed) failed" : "")")
        bar.fraction = Double(done) / Double(expected)
        return bar
    }

    @Sendable private static func terminalWidth() -> Int {
        var size = winsize()
        guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// What is known of one command on its way.
struct ProgressTrack {
    private var last = ProgressUpdate(commandID: "", stage: "")
    private var sample: (at: Duration, bytes: Int)?
    private var rate: Double?
    private var toldAt: Duration?

    var commandID: String { last.commandID }

    /// Takes over an update; true when it begins another stage.
    mutating func take(_ update: ProgressUpdate, at now: Duration) -> Bool {
        let isNewStage = update.stage != last.stage
        last = update
        if isNewStage {
            rate = nil
            sample = nil
        }
        if let bytes = update.bytes { measure(bytes, at: now) }
        return isNewStage
    }

    /// Whether the last plain line is long enough ago.
    func isDue(at now: Duration, every interval: Duration) -> Bool { toldAt.map { now - $0 >= interval } ?? true }

    mutating func wasTold(at now: Duration) { toldAt = now }

    func bar(label: String) -> ProgressBar {
        ProgressBar(
            stage: last.stage, fraction: last.fraction, bytes: last.bytes, total: last.total, rate: rate, label: label)
    }

    /// Smooths the rate over samples at least a fifth of a second apart; fewer bytes than before are a fresh start.
    private mutating func measure(_ bytes: Int, at now: Duration) {
        guard let (then, before) = sample, bytes >= before else {
            sample = (now, bytes)
            rate = nil
            return
        }
        let parts = (now - then).components
        let seconds = Double(parts.seconds) + Double(parts.attoseconds) / 1e18
        guard seconds >= 0.2 else { return }
        let current = Double(bytes - before) / seconds
        rate = rate.map { $0 * 0.7 + current * 0.3 } ?? current
        sample = (now, bytes)
    }
}
