// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import HTTPTransport

/// What a look at the dead-letter queue brought to light.
struct DeadQueueView<Value: Sendable>: Sendable {
    /// What was kept of the messages, in their order.
    let kept: [Value]
    let look: AMQPLook
    /// The look ended at a message that must not be returned much more often.
    let spent: Int?
}

/// The dead-letter queue, looked at without losing anything.
struct DeadQueue: Sendable {
    /// How many messages are held at the same time at most: what lies behind them is not looked at.
    static let bound = 10_000

    let settings: Settings
    let identity: WorkerIdentity
    let http: HTTPClient
    /// Look although messages have little of their allowance left.
    var isForced = false
    /// Told what is dangerous, before anything is looked at.
    let warn: @Sendable (String) -> Void

    var name: String { settings.amqp.deadQueue }

    /// Hands every message with its position, from 1, to `visit`, which keeps something of it and says whether to go on.
    ///
    /// - Parameter first: how many messages will probably be looked at.
    /// - Throws: `AMQPError`, `SecretError`; `DeadQueueRefusal` where looking would destroy messages.
    func look<Value: Sendable>(
        maximumBodyBytes: Int, first: Int,
        _ visit: @escaping @Sendable (Int, AMQPDelivery) -> (keep: Value?, then: AMQPLookStep)
    ) async throws -> DeadQueueView<Value> {
        let broker = BrokerConfiguration(settings: settings.amqp)
        let connection = try await broker.connection("dead letters", identity: identity)
        let described = await description(endpoint: connection.endpoints.first)
        let (name, warn, isForced) = (name, warn, isForced)
        guard let expected = broker.topology.queues.first(where: { $0.name == name }) else {
            throw DeadQueueRefusal(description: "there is no dead-letter queue \(name) in the topology")
        }
        let result = try await AMQPAdmin.withConnection(connection, maximumBodyBytes: maximumBodyBytes) {
            session throws(AMQPError) -> Result<DeadQueueView<Value>, DeadQueueRefusal> in
            guard try session.queue(name) != nil else { throw .missing(name) }
            let known = described.flatMap { DeliveryAllowance(management: $0, server: session.server) }
            var allowance = known
            if allowance == nil { allowance = try .compared(with: expected, over: session) }
            guard let allowance else { throw .missing(name) }
            if let warning = allowance.warning(queue: name) {
                guard !allowance.forbidsLooking else { return .failure(DeadQueueRefusal(description: warning)) }
                warn(warning)
            }
            return .success(try Self.look(at: name, allowance, isForced: isForced, first: first, over: session, visit))
        }
        return try result.get()
    }

    private static func look<Value: Sendable>(
        at name: String, _ allowance: DeliveryAllowance, isForced: Bool, first: Int, over session: AMQPAdminSession,
        _ visit: (Int, AMQPDelivery) -> (keep: Value?, then: AMQPLookStep)
    ) throws(AMQPError) -> DeadQueueView<Value> {
        var kept: [Value] = []
        var position = 0
        var spent: Int?
        // Where deliveries are scarce, none is spent on a message that may not be looked at.
        let isScarce = (allowance.limit ?? .max) < DeliveryAllowance.comfortable
        let look = try session.look(
            at: name, holdingAtMost: bound, first: isScarce ? 1 : first, keepsOrder: !isScarce
        ) { delivery in
            let count = Int(clamping: delivery.properties.headers["x-delivery-count"]?.intValue ?? 0)
            if !isForced, allowance.isNearlySpent(count) {
                spent = count
                return .letGo
            }
            position += 1
            let (keep, then) = visit(position, delivery)
            if let keep { kept.append(keep) }
            return then
        }
        return DeadQueueView(kept: kept, look: look, spent: spent)
    }

    /// What the management API says about the queue, where there is one that answers.
    private func description(endpoint: AMQPEndpoint?) async -> JSONValue? {
        guard let api = BrokerManagementAPI(settings: settings.amqp, endpoint: endpoint, http: http) else { return nil }
        do throws(BrokerManagementError) {
            return try await api.get(["queues", api.virtualHost, name])
        } catch {
            warn("the management API does not tell about \(name): \(error.message)")
            return nil
        }
    }
}

/// Looking would destroy what is looked at.
struct DeadQueueRefusal: Error, Sendable, CustomStringConvertible {
    let description: String
}

extension AMQPError {
    fileprivate static func missing(_ queue: String) -> AMQPError {
        AMQPError(
            .notFound, "The dead-letter queue '\(queue)' does not exist: nlu-export-worker topology apply creates it.",
            isRetriable: false)
    }
}
