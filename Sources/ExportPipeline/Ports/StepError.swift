// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Why one step of a command did not succeed, classified by the adapter that tried it.
///
/// The adapter says what kind of trouble it met; the state machines alone decide what follows from it.
package struct StepError: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// The command can never succeed.
        case permanent(FailureCode)
        /// Worth trying again after a back-off: at most `limit` times in a row (nil: the policy's maximum), then the
        /// command fails for good with `code`.
        case transient(limit: Int? = nil, thenFailsWith: FailureCode = .retriesExhausted)
        /// The other side asked for patience (429); never a failed attempt.
        case throttled(retryAfter: Duration?)
        /// The call may or may not have had its effect (a trigger whose answer was lost).
        case ambiguous
        /// The job or the artifact is gone: a new run is needed.
        case gone
        /// The download link was refused or no longer leads anywhere; the job has to be asked for a fresh one.
        case linkExpired(notFound: Bool)
        /// The artifact came through damaged (short, long, empty, reset, stalled).
        case unreadable
        /// A fault of the worker's own surroundings, not of this command.
        case surroundings(Dependency)
        /// A conditional write showed another owner.
        case overtaken
        /// The step was stopped because the worker is letting go.
        case interrupted
    }

    package let kind: Kind
    /// What happened, to what, and what to do next; cleaned and bounded, without secrets.
    package let message: String
    package let httpStatus: Int?

    package init(_ kind: Kind, _ message: String, httpStatus: Int? = nil) {
        self.kind = kind
        self.message = RemoteText.cleaned(message)
        self.httpStatus = httpStatus
    }

    /// Whether the same step may succeed later without anybody changing the command.
    package var isRetriable: Bool {
        if case .permanent = kind { false } else { true }
    }
}

extension StepError: CustomStringConvertible {
    package var description: String { message }
}
