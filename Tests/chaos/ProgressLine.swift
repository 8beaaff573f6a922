// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ChaosKit
internal import Foundation
internal import Synchronization

/// How far a run is, in one line: written over on a terminal, a new one every few seconds elsewhere.
enum ProgressLine {
    private static let isTerminal = isatty(STDOUT_FILENO) == 1
    private static let last = Mutex<ContinuousClock.Instant?>(nil)

    static func show(_ progress: ChaosProgress) {
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            let isDue = last.map { now - $0 >= (isTerminal ? .milliseconds(500) : .seconds(5)) } ?? true
            if isDue { last = now }
            return isDue
        }
        guard isDue || !progress.phase.isEmpty else { return }
        let seconds = Int(progress.elapsed / .seconds(1))
        var line =
            "\(progress.done)/\(progress.total) done, \(progress.kills) kills, \(progress.otherFaults) other faults, "
        line += "\(progress.takeOvers) take-overs, \(seconds) s"
        if !progress.phase.isEmpty { line += ", \(progress.phase)" }
        print(isTerminal ? "\r\u{1B}[K  \(line)" : "  \(line)", terminator: isTerminal ? "" : "\n")
        fflush(nil)
    }

    /// Leaves the line behind.
    static func end() {
        if isTerminal { print() }
        last.withLock { $0 = nil }
    }
}
