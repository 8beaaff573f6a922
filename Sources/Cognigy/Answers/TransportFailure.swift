// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport

/// Says what follows from a call that got no answer.
struct TransportFailure: Sendable {
    /// What was tried, at the beginning of the message.
    let subject: String
    let tenant: String
    let redactor: Redactor

    /// `isRepeatable` is false for a call that may have had its effect once it was sent (the export trigger).
    func stepError(for error: HTTPError, isRepeatable: Bool) -> StepError {
        let what = "\(subject) got no answer: \(redactor.cleaned(error.description))"
        switch error.code {
        case .cancelled, .shutDown:
            return StepError(.interrupted, what)
        case _ where error.wasSent && !isRepeatable:
            return StepError(.ambiguous, "\(what); it may have taken effect")
        case .tls:
            return StepError(
                .surroundings(.tenant(tenant)), "\(what); check baseUrl and caFile of the tenant and its certificate")
        case .invalidRequest, .addressRefused, .redirectRefused:
            return StepError(.surroundings(.tenant(tenant)), "\(what); check the configuration of the tenant")
        case .resolve, .connect, .timeout, .stalled, .reset, .truncated, .tooLarge, .malformed, .overloaded, .internal:
            return StepError(.transient(), what)
        }
    }
}
