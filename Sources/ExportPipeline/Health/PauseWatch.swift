// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Follows the pause orders in the bucket, so that one command line pauses a whole fleet.
///
/// What cannot be read changes nothing: the last orders known go on to hold, and the trouble is told once.
package final class PauseWatch: Sendable {
    /// Takes over the orders. `resumed` names the tenants that were resumed by name since the last call: what a worker
    /// itself paused for them ends as well.
    package typealias Apply = @Sendable (_ orders: PauseOrders, _ resumed: Set<String>) -> Void

    /// What kind of trouble there is; told again only when that changes.
    private enum Trouble: Hashable {
        case store
        case document(version: String)
    }

    private struct State {
        var known: PauseOrders?
        var version: String?
        var trouble: Trouble?
    }

    private let store: any StateStore
    private let key: String
    private let period: Duration
    private let environment: any PipelineEnvironment
    private let apply: Apply
    private let onTrouble: @Sendable (String?) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - key: `StateKeys.pauseOrders`.
    ///   - period: `lease.renew`, the time within which workers follow.
    ///   - apply: called with the first orders read (a document that is not there pauses nothing), and on every change.
    ///   - onTrouble: called with the reason when the orders cannot be read, and with nil when they can again.
    package init(
        store: any StateStore, key: String, period: Duration, environment: any PipelineEnvironment,
        apply: @escaping Apply, onTrouble: @escaping @Sendable (String?) -> Void
    ) {
        self.store = store
        self.key = key
        self.period = period
        self.environment = environment
        self.apply = apply
        self.onTrouble = onTrouble
    }

    /// Looks every `period`; returns when the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            await look()
            do { try await environment.sleep(period) } catch { return }
        }
    }

    /// Looks once, for one caller at a time. Before a worker consumes anything it looks so: one that starts while the
    /// fleet is paused takes no command.
    package func look() async {
        let document: StateDocument?
        do throws(StepError) {
            document = try await store.read(key)
        } catch {
            if !Task.isCancelled { note(.store, "the pause orders cannot be read: \(error)") }
            return
        }
        guard let document else { return take(PauseOrders(), version: nil) }
        let isKnown = state.withLock { $0.known != nil && $0.version == document.version && $0.trouble == nil }
        if isKnown { return }
        do throws(UnreadableState) {
            take(try PauseOrdersCodec.decode(document.bytes), version: document.version)
        } catch {
            note(.document(version: document.version), "\(key) is not followed: \(error.message)")
        }
    }

    private func take(_ orders: PauseOrders, version: String?) {
        let (earlier, wasTroubled) = state.withLock { state in
            defer { state = State(known: orders, version: version) }
            return (state.known, state.trouble != nil)
        }
        if wasTroubled { onTrouble(nil) }
        if orders != earlier { apply(orders, earlier.map(orders.resumed(since:)) ?? []) }
    }

    private func note(_ trouble: Trouble, _ text: String) {
        let isNews = state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble != trouble
        }
        if isNews { onTrouble(text) }
    }
}
