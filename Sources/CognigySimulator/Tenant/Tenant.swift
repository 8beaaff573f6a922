// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A simulated Cognigy.AI tenant without its sockets: safe to use from anywhere, answers at once.
package final class Tenant: Sendable {
    let time: SimulatorTime
    private let state: Mutex<TenantState>

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

    func handle(_ request: SimulatorRequest) -> Reply {
        let now = time.now
        return state.withLock { $0.handle(request, at: now) }
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
