// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import SimulationKit
internal import Synchronization

/// Many seeds, several at a time, each world on a thread of its own.
final class Campaign: Sendable {
    struct Result: Sendable {
        var count = 0
        var failures: [Simulation.Report] = []
        var seen = Seen()
        var jobs = 0
        var virtualSeconds = 0.0
        var seconds = 0.0
    }

    private struct State {
        var next: UInt64
        var result = Result()
    }

    private let end: UInt64
    private let threads: Int
    private let failures: Int
    private let state: Mutex<State>

    init(from: UInt64, count: Int, threads: Int, failures: Int) {
        end = from + UInt64(count)
        self.threads = threads
        self.failures = failures
        state = Mutex(State(next: from))
    }

    func run() -> Result {
        let begun = ContinuousClock.now
        let group = DispatchGroup()
        for _ in 0..<threads {
            group.enter()
            let thread = Thread { [self] in
                while let seed = take() { add(Simulation.run(seed: seed)) }
                group.leave()
            }
            thread.stackSize = 16 << 20
            thread.start()
        }
        group.wait()
        var result = state.withLock { $0.result }
        result.seconds = Double((ContinuousClock.now - begun).components.seconds)
        return result
    }

    private func take() -> UInt64? {
        let seed = state.withLock { state -> UInt64? in
            guard state.next < end, state.result.failures.count < failures else { return nil }
            defer { state.next += 1 }
            return state.next
        }
        if let seed { CrashReport.note(seed) }
        return seed
    }

    private func add(_ report: Simulation.Report) {
        let count = state.withLock { state in
            state.result.count += 1
            state.result.seen += report.seen
            state.result.jobs += report.jobs
            state.result.virtualSeconds += report.virtualSeconds
            if report.violation != nil { state.result.failures.append(report) }
            return state.result.count
        }
        if count % 10_000 == 0 { FileHandle.standardError.write(Data("\(count) worlds\n".utf8)) }
    }
}

extension Campaign.Result {
    /// What was simulated, and how often what interests happened.
    var summary: String {
        let days = Int(virtualSeconds / 86_400)
        var lines = ["\(count) worlds, \(failures.count) broke a promise; \(Int(seconds)) s, \(days) virtual days"]
        lines += Seen.Sight.allCases.map { sight in
            "  \(sight.rawValue.padding(toLength: 26, withPad: " ", startingAt: 0))\(seen[sight])"
        }
        return lines.joined(separator: "\n")
    }
}
