// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Synchronization

/// A state store in memory whose next calls can be made to fail, to lose their answer, or to come second.
final class DocumentStore: StateStore {
    /// What befalls one write.
    enum Fate: Sendable {
        /// It never arrives.
        case lost
        /// It takes effect and its answer is lost.
        case unanswered
        /// Somebody else writes these bytes first.
        case overtaken(by: [UInt8])
    }

    private struct State {
        var document: StateDocument?
        var versions = 0
        var reads = 0
        var writes = 0
        var fates: [Fate] = []
        var readError: StepError?
    }

    private let state = Mutex(State())

    var document: [UInt8]? { state.withLock { $0.document?.bytes } }
    var reads: Int { state.withLock { $0.reads } }
    var writes: Int { state.withLock { $0.writes } }

    /// What happens to the next writes, one each.
    func meet(_ fates: Fate...) { state.withLock { $0.fates += fates } }

    /// Every read fails so, until nil is given.
    func failReads(_ error: StepError?) { state.withLock { $0.readError = error } }

    /// Puts a document there, as somebody else would; nil removes it.
    func put(_ bytes: [UInt8]?) { state.withLock { Self.set(bytes, &$0) } }

    func read(_ key: String) async throws(StepError) -> StateDocument? {
        let (document, error) = state.withLock { state in
            state.reads += 1
            return (state.document, state.readError)
        }
        if let error { throw error }
        return document
    }

    func write(_ bytes: [UInt8], to key: String, if condition: WriteCondition) async throws(StepError) -> WriteResult {
        let result: WriteResult? = state.withLock { state in
            state.writes += 1
            let fate = state.fates.isEmpty ? nil : state.fates.removeFirst()
            switch fate {
            case .lost?: return nil
            case .overtaken(let others)?: Self.set(others, &state)
            case .unanswered?, nil: break
            }
            guard condition == (state.document.map { .version($0.version) } ?? .absent) else { return .conflict }
            Self.set(bytes, &state)
            if case .unanswered? = fate { return nil }
            return state.document.map { .written(version: $0.version) }
        }
        guard let result else { throw StepError(.transient(), "no answer") }
        return result
    }

    func delete(_ key: String) async throws(StepError) { put(nil) }

    private static func set(_ bytes: [UInt8]?, _ state: inout State) {
        state.versions += 1
        state.document = bytes.map { StateDocument(bytes: $0, version: "v\(state.versions)") }
    }
}

/// Time that passes only when somebody sleeps; each sleep runs a script first, which ends the sleeper by throwing.
struct ScriptedTime: PipelineEnvironment {
    private final class Passing: Sendable {
        let state = Mutex<(now: Duration, sleeps: Int, ids: Int)>((.zero, 0, 0))
    }

    private let passing = Passing()
    /// Gets the number of the sleep, from 1, and how long it is.
    let script: @Sendable (Int, Duration) throws(CancellationError) -> Void

    init(_ script: @escaping @Sendable (Int, Duration) throws(CancellationError) -> Void = { _, _ in }) {
        self.script = script
    }

    func now() -> Duration { passing.state.withLock { $0.now } }
    func date() -> Timestamp { Timestamp(milliseconds: 1_763_000_000_000 + now().components.seconds * 1000) }
    func jitter() -> Double { 0.5 }

    func uniqueID() -> String {
        passing.state.withLock { state in
            state.ids += 1
            return "id-\(state.ids)"
        }
    }

    func sleep(_ duration: Duration) async throws(CancellationError) {
        let count = passing.state.withLock { state in
            state.sleeps += 1
            state.now += duration
            return state.sleeps
        }
        try script(count, duration)
    }
}
