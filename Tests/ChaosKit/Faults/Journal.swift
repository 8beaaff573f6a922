// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// What was done to the parts of a run, and what should not have happened, in order; kept in a file as well.
package final class Journal: Sendable {
    private struct State {
        var counts: [FaultKind: Int] = [:]
        var incidents: [String] = []
    }

    private let begin = ContinuousClock.now
    private let state = Mutex(State())
    private let file: FileHandle?

    /// Appends to the file at `path`.
    package init(path: String) {
        let isThere = FileManager.default.createFile(atPath: path, contents: nil)
        file = isThere ? FileHandle(forWritingAtPath: path) : nil
    }

    /// How often each kind of trouble was made.
    package var counts: [FaultKind: Int] { state.withLock { $0.counts } }
    /// What no trouble accounts for.
    package var incidents: [String] { state.withLock { $0.incidents } }
    /// Since the run began.
    package var elapsed: Duration { begin.duration(to: .now) }

    /// Counts trouble and notes what it is.
    func count(_ kind: FaultKind, _ text: String) {
        state.withLock { $0.counts[kind, default: 0] += 1 }
        note("\(kind.rawValue): \(text)")
    }

    /// Notes something that should not have happened: the run fails.
    func incident(_ text: String) {
        state.withLock { $0.incidents.append(text) }
        note("INCIDENT: \(text)")
    }

    /// Writes a line.
    func note(_ text: String) {
        let now = Date().formatted(.iso8601.time(includingFractionalSeconds: true))
        let seconds = String(format: "%8.3f", elapsed / .seconds(1))
        state.withLock { _ in try? file?.write(contentsOf: Data("\(now) \(seconds) s  \(text)\n".utf8)) }
    }
}
