// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline

/// Rejected commands would be lost: the queue has no dead-letter target, or nothing proves that it has one.
struct UnprovenDeadLetters: Error, CustomStringConvertible {
    let description: String
}

/// Before anything is consumed with `amqp.declare: false`: rejected commands have somewhere to go.
///
/// A passive declaration cannot see a queue's arguments; only the management API tells, or the operator's word.
struct DeadLetterGuard: Sendable {
    let parts: WorkerParts

    /// Waits while the management API cannot be asked, saying why.
    ///
    /// - Throws: `UnprovenDeadLetters` where there is no target or no way to tell; `CancellationError`.
    func waitUntilProven(onWaiting: @Sendable (String) -> Void) async throws {
        let amqp = parts.settings.amqp
        guard !amqp.declare, !amqp.deadAssumeConfigured else { return }
        let endpoint = try await BrokerConfiguration(settings: amqp).connection("guard", identity: parts.identity)
            .endpoints.first
        let management = DoctorManagement(settings: parts.settings, http: parts.http, endpoint: endpoint)
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30))
        while true {
            let failures = await management.deadLetterTargets().filter(\.isFailure)
            guard let first = failures.first else { return }
            let why = "\(first.subject): \(first.text); \(first.remedy ?? "")"
            if failures.contains(where: { $0.state == .failure(.configuration) }) {
                throw UnprovenDeadLetters(description: why)
            }
            onWaiting(why)
            try await parts.environment.sleep(backoff.next(jitter: parts.environment.jitter()))
        }
    }
}
