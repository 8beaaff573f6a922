// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Keeps another provider's temporary credentials and renews them ahead of their expiry, one request at a time.
///
/// While the ones at hand are still valid a failed renewal is no failure; it is tried again half a minute later.
package final class ExpiringCredentials: CredentialsProvider {
    private struct State {
        var current: S3Credentials?
        /// When to renew, seconds since 1970.
        var renewAt: Int64 = 0
        var renewal: Task<S3Credentials, any Error>?
    }

    /// Renewed so many seconds ahead of their expiry.
    private static let margin: Int64 = 300
    /// Renewed after so many seconds where they do not say when they expire.
    private static let unknownLifetime: Int64 = 900
    private static let retryInterval: Int64 = 30

    private let base: any CredentialsProvider
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    /// `now` gives seconds since 1970.
    package init(_ base: any CredentialsProvider, now: @escaping @Sendable () -> Int64) {
        self.base = base
        self.now = now
    }

    package var source: String { base.source }

    package func credentials() async throws(S3Error) -> S3Credentials {
        let known = state.withLock { state in state.renewAt > now() ? state.current : nil }
        if let known { return known }
        let renewal = state.withLock { state in
            if let renewal = state.renewal { return renewal }
            let renewal = Task { [base] in try await base.credentials() }
            state.renewal = renewal
            return renewal
        }
        switch await renewal.result {
        case .success(let value):
            keep(value, from: renewal)
            return value
        case .failure(let error):
            if let valid = stillValid(after: renewal) { return valid }
            throw S3Error.wrapping(error, as: .noCredentials, "\(base.source): \(error)")
        }
    }

    package func invalidate() async {
        state.withLock { state in
            state.current = nil
            state.renewAt = 0
        }
        await base.invalidate()
    }

    private func keep(_ value: S3Credentials, from renewal: Task<S3Credentials, any Error>) {
        let now = now()
        state.withLock { state in
            guard state.renewal == renewal else { return }
            state.renewal = nil
            state.current = value
            // Short-lived ones are renewed at half their time rather than with every request.
            let halfway = value.expiration.map { max($0 - Self.margin, now + ($0 - now) / 2) }
            state.renewAt = halfway ?? now + Self.unknownLifetime
        }
    }

    private func stillValid(after renewal: Task<S3Credentials, any Error>) -> S3Credentials? {
        let now = now()
        return state.withLock { state in
            if state.renewal == renewal { state.renewal = nil }
            guard let current = state.current, (current.expiration ?? .max) > now else { return nil }
            state.renewAt = min(now + Self.retryInterval, current.expiration ?? .max)
            return current
        }
    }
}
