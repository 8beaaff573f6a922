// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A simulated Cognigy.AI tenant without its sockets: safe to use from anywhere, answers at once.
package final class Tenant: Sendable {
    let time: SimulatorTime
    private let state: Mutex<TenantState>
    private let watchers = Mutex(Watchers())

    private struct Watchers {
        var lastID = 0
        var continuations: [Int: AsyncStream<RequestRecord>.Continuation] = [:]
    }

    /// Makes a healthy tenant.
    package init(configuration: SimulatorConfiguration, time: SimulatorTime) {
        self.time = time
        state = Mutex(TenantState(configuration: configuration))
    }

    /// Everything seen so far.
    package var log: SimulatorLog { state.withLock { $0.snapshot } }

    /// Faults of the whole tenant.
    package var faults: TenantFaults {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    /// Puts a rule over those already there.
    package func add(_ rule: Rule) {
        state.withLock { $0.add(rule) }
    }

    /// Forgets tokens, jobs, added rules, faults and the log.
    package func reset() {
        state.withLock { $0.reset() }
    }

    /// Makes every token issued so far worthless.
    package func revokeTokens() {
        state.withLock { $0.tokens = [:] }
    }

    /// The artifact that a model version's export yields.
    package func artifact(model: String, version: String) -> ArtifactContent {
        state.withLock { $0.artifact(model: model, version: version) }
    }

    /// Requests as they come in, from now on, each already decided; of what is not taken in time the newest 10,000 are
    /// kept. Ends when the returned stream is let go of.
    package func requests() -> AsyncStream<RequestRecord> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: RequestRecord.self, bufferingPolicy: .bufferingNewest(10_000))
        let id = watchers.withLock { watchers in
            watchers.lastID += 1
            watchers.continuations[watchers.lastID] = continuation
            return watchers.lastID
        }
        continuation.onTermination = { [weak self] _ in
            self?.watchers.withLock { _ = $0.continuations.removeValue(forKey: id) }
        }
        return stream
    }

    func handle(_ request: SimulatorRequest) -> Reply {
        let now = time.now
        let (reply, record) = state.withLock { state in
            let before = state.log.recent.last?.number
            let reply = state.handle(request, at: now)
            let last = state.log.recent.last
            return (reply, last?.number == before ? nil : last)
        }
        if let record {
            for continuation in watchers.withLock({ Array($0.continuations.values) }) { continuation.yield(record) }
        }
        return reply
    }

    func listen(apiPort: Int, downloadPort: Int) {
        state.withLock { state in
            state.apiPort = apiPort
            state.downloadPort = downloadPort
        }
    }

    func transferEnded(_ transfer: ArtifactTransfer, sent: Int) {
        guard transfer.number > 0 else { return }
        state.withLock { $0.endDownload(transfer.number, sent: sent) }
    }
}
