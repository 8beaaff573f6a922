// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
internal import Synchronization

/// The one door all calls of a tenant go through, so that a 429 slows down the tenant and not one command.
package final class TenantGate: Sendable {
    private let pace: Mutex<RequestPace>
    private let clock: TenantClock
    private let tenant: String

    package init(tenant: String, maxRequestsPerMinute: Int?, clock: TenantClock) {
        pace = Mutex(RequestPace(perMinute: maxRequestsPerMinute))
        self.clock = clock
        self.tenant = tenant
    }

    /// Returns when a call may be sent, with the moment of `clock`; `interrupted` when the task is cancelled.
    package func pass() async throws(StepError) -> Duration {
        var slot = pace.withLock { $0.reserve(at: clock.now()) }
        while true {
            guard !Task.isCancelled else { throw interrupted }
            let now = clock.now()
            guard let next = pace.withLock({ $0.confirm(slot, at: now) }) else { return now }
            slot = next
            guard slot.instant > now else { continue }
            do { try await clock.sleepUntil(slot.instant) } catch { throw interrupted }
        }
    }

    /// A call that passed at `sentAt` was answered with 429.
    package func throttled(retryAfter: Duration?, sentAt: Duration) {
        pace.withLock { $0.throttled(retryAfter: retryAfter, sentAt: sentAt, now: clock.now()) }
    }

    /// A call that passed at `sentAt` was answered with something else than 429.
    package func answered(sentAt: Duration) {
        pace.withLock { $0.answered(sentAt: sentAt) }
    }

    private var interrupted: StepError {
        StepError(.interrupted, "a call of tenant \(tenant) was given up while it waited for its turn")
    }
}
