// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Remembers how the dependencies have answered, so that one that is down costs no command an attempt.
///
/// A dependency whose calls have all failed for `downAfter`, with no success between, is down; one success ends that.
package final class DependencyHealth: Sendable {
    private let downAfter: Duration
    private let failingSince = Mutex<[Dependency: Duration]>([:])

    package init(downAfter: Duration = .seconds(60)) {
        self.downAfter = downAfter
    }

    package func succeeded(_ dependency: Dependency) {
        failingSince.withLock { _ = $0.removeValue(forKey: dependency) }
    }

    /// Notes a failure that says something about the dependency; true if it is down.
    package func failed(_ dependency: Dependency, at now: Duration) -> Bool {
        failingSince.withLock { failing in
            let since = failing[dependency] ?? now
            failing[dependency] = since
            return now - since >= downAfter
        }
    }

    /// A transient error of a dependency that is down becomes a fault of the surroundings.
    package func judged(_ error: StepError, of dependency: Dependency, at now: Duration) -> StepError {
        switch error.kind {
        case .transient(limit: nil, _), .ambiguous:
            guard failed(dependency, at: now) else { return error }
            return StepError(.surroundings(dependency), error.message, httpStatus: error.httpStatus)
        case .permanent, .throttled, .gone, .transient, .linkExpired, .unreadable:
            succeeded(dependency)
            return error
        case .surroundings, .overtaken, .interrupted:
            return error
        }
    }
}
