// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Why the pause orders could not be read or changed.
package enum PauseError: Error, Sendable, Hashable, CustomStringConvertible {
    case store(StepError)
    /// What lies there is not for this program to change.
    case unreadable(key: String, String)
    /// Others changed it every time.
    case contended(attempts: Int)

    package var description: String {
        switch self {
        case .store(let error): "the pause orders cannot be reached: \(error)"
        case .unreadable(let key, let why): "\(key) cannot be understood and was left alone: \(why)"
        case .contended(let attempts):
            "the pause orders were changed by others \(attempts) times in a row meanwhile; nothing was changed, try again"
        }
    }
}

/// Reads and changes the pause orders by conditional writes, so that two operators never undo each other unseen.
package struct PauseEditor: Sendable {
    private static let attempts = 10

    private let store: any StateStore
    private let key: String
    private let environment: any PipelineEnvironment

    /// - Parameter key: `StateKeys.pauseOrders`.
    package init(store: any StateStore, key: String, environment: any PipelineEnvironment) {
        self.store = store
        self.key = key
        self.environment = environment
    }

    /// What is paused now.
    package func read() async throws(PauseError) -> PauseOrders { try await load().orders }

    /// Applies `edit` to what is there, again for as often as somebody else was faster; an edit that changes nothing
    /// writes nothing.
    ///
    /// - Returns: the orders before and after.
    package func change(
        _ edit: (inout PauseOrders) -> Void
    ) async throws(PauseError) -> (before: PauseOrders, after: PauseOrders) {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(1))
        for _ in 0..<Self.attempts {
            let (before, version) = try await load()
            var after = before
            edit(&after)
            guard after != before else { return (before, after) }
            after.nonce = environment.uniqueID()
            if try await write(after, replacing: version) { return (before, after) }
            do {
                try await environment.sleep(backoff.next(jitter: environment.jitter()))
            } catch {
                throw .store(StepError(.interrupted, "changing the pause orders was interrupted"))
            }
        }
        throw .contended(attempts: Self.attempts)
    }

    private func load() async throws(PauseError) -> (orders: PauseOrders, version: String?) {
        let document: StateDocument?
        do { document = try await store.read(key) } catch { throw .store(error) }
        guard let document else { return (PauseOrders(), nil) }
        do {
            return (try PauseOrdersCodec.decode(document.bytes), document.version)
        } catch {
            throw .unreadable(key: key, error.message)
        }
    }

    /// Whether the orders are in the store now: written, or found there although the answer was lost.
    private func write(_ orders: PauseOrders, replacing version: String?) async throws(PauseError) -> Bool {
        let bytes: [UInt8]
        do { bytes = try PauseOrdersCodec.encode(orders) } catch { throw .unreadable(key: key, error.message) }
        let result: WriteResult
        do throws(StepError) {
            result = try await store.write(bytes, to: key, if: version.map(WriteCondition.version) ?? .absent)
        } catch {
            // No answer says nothing about what happened.
            if (try? await load().orders.nonce) == orders.nonce { return true }
            throw .store(error)
        }
        if case .written = result { return true }
        return try await load().orders.nonce == orders.nonce
    }
}
