// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Something outside the worker that commands depend on, and that can be out of order while the commands are not.
package enum Dependency: Sendable, Hashable, CustomStringConvertible {
    /// The broker as far as events have to be confirmed by it; a lost consumer delivers nothing that could be harmed.
    case broker
    case tenant(String)
    case objectStore
    /// A place that keeps audit records, by the name of its sink.
    case auditSink(String)
    /// The operator's consent: to anything at all (nil), or to the work for one tenant.
    case consent(tenant: String?)

    package var description: String {
        switch self {
        case .broker: "broker"
        case .tenant(let name): "tenant \(name)"
        case .objectStore: "object store"
        case .auditSink(let name): "audit sink \(name)"
        case .consent(nil): "operator"
        case .consent(let tenant?): "operator, tenant \(tenant)"
        }
    }

    /// How a command fails that the dependency refuses again and again although it serves everybody else.
    package var refusalCode: FailureCode {
        switch self {
        case .tenant: .permissionDenied
        case .objectStore: .storageRefused
        case .broker, .auditSink, .consent: .retriesExhausted
        }
    }
}

/// A dependency that is out of order, since when, and why.
package struct Outage: Sendable, Hashable {
    package let dependency: Dependency
    /// What happened, to what, and what to do next; cleaned and bounded, without secrets.
    package var reason: String
    package let since: Timestamp
}

/// Why a dependency is suspected, and what a probe can try again because of it.
package enum Suspicion: Sendable {
    /// A step was refused, or had no answer.
    case fault(StepError)
    /// An audit record could not be written: the truest probe of a sink is that very record, which may be repeated.
    case record(AuditRecord, StepError)
    /// Different commands were refused alike, one after the other.
    case refusals([ExportCommand], StepError)

    package var error: StepError {
        switch self {
        case .fault(let error), .record(_, let error), .refusals(_, let error): error
        }
    }
}

/// Finds out whether a dependency serves this worker, apart from any one command.
package protocol DependencyProbe: Sendable {
    /// Returns when it does; throws why it does not, and what to do.
    func probe(_ dependency: Dependency, because suspicion: Suspicion) async throws(StepError)
}
