// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline

/// How often the broker takes a message of the dead-letter queue back before it destroys it: every look at a message
/// returns it once.
struct DeliveryAllowance: Sendable, Hashable {
    /// What RabbitMQ 4 gives a quorum queue that says nothing.
    static let brokersDefault = 20
    /// From here on nobody needs to worry.
    static let comfortable = 1000
    /// With less a look at a message may be its last.
    static let least = 4

    /// Nil: without limit.
    let limit: Int?
    /// False where the limit is only feared.
    let isKnown: Bool
    /// Where it comes from.
    let source: String
    /// Whether a policy has a part in it.
    var isByPolicy = false

    static func unlimited(_ source: String) -> DeliveryAllowance { .init(limit: nil, isKnown: true, source: source) }
    static func limited(_ limit: Int, _ source: String) -> DeliveryAllowance {
        .init(limit: limit, isKnown: true, source: source)
    }
    static func unknown(_ why: String) -> DeliveryAllowance {
        .init(limit: brokersDefault, isKnown: false, source: why)
    }

    /// What to say before a look that spends something scarce.
    func warning(queue: String) -> String? {
        guard let limit, limit < Self.comfortable else { return nil }
        let remedy =
            isByPolicy
            ? "raise delivery-limit in the policy (rabbitmqctl list_policies), or take the queue out of it"
            : "declare the queue with x-delivery-limit=1000000 (nlu-export-worker topology plan shows what differs)"
        guard isKnown else {
            return "how often \(queue) takes a message back is not to be known (\(source)); the broker may destroy "
                + "messages that are looked at more than \(limit) times: set amqp.management.url, or \(remedy)"
        }
        return "\(queue) destroys messages that are looked at more than \(limit) times (\(source)): \(remedy)"
    }

    /// Whether no look at all is safe.
    var forbidsLooking: Bool { isKnown && (limit ?? .max) < Self.least }

    /// Whether a message that was returned so often may not be returned often again. A count over the limit is that of
    /// the queue it came from, which RabbitMQ 4 shows until the message is returned for the first time.
    func isNearlySpent(_ deliveryCount: Int) -> Bool {
        guard let limit, deliveryCount <= limit else { return false }
        return deliveryCount >= (limit < Self.comfortable ? limit / 2 : limit - 100)
    }
}

// MARK: Finding out

extension DeliveryAllowance {
    /// From what the management API says about the queue; nil where it is no answer about a queue.
    init?(management queue: JSONValue, server: AMQPServerInfo) {
        guard let type = queue["type"]?.string else { return nil }
        guard type == "quorum" else {
            self = .unlimited("a \(RemoteText.cleaned(type, limit: 32)) queue")
            return
        }
        let argument = queue["arguments"]?["x-delivery-limit"]?.int
        let policy = queue["effective_policy_definition"]?["delivery-limit"]?.int
        switch (argument, policy) {
        case (nil, nil): self = Self.implied(server)
        case (let one?, nil), (nil, let one?):
            let source = policy == nil ? "its argument x-delivery-limit" : "delivery-limit of a policy"
            self = one < 0 ? .unlimited(source) : .limited(one, source)
            isByPolicy = policy != nil
        case (let one?, let other?):
            // A negative one means no limit only while it stands alone; together the lesser holds.
            self = .limited(max(0, min(one, other)), "the lesser of its argument and of a policy's delivery-limit")
            isByPolicy = true
        }
    }

    /// What holds for a quorum queue that says nothing.
    private static func implied(_ server: AMQPServerInfo) -> DeliveryAllowance {
        server.isAtLeast(4, 0)
            ? .limited(brokersDefault, "the default of RabbitMQ \(server.version)")
            : .unlimited("RabbitMQ \(server.version) has no default limit")
    }

    /// From the broker's comparison with a declaration: declaring what is there changes nothing, and a difference is
    /// named. What a policy adds stays unseen.
    ///
    /// - Parameter queue: the dead-letter queue as it should be; it must exist.
    static func compared(
        with queue: AMQPTopology.Queue, over session: AMQPAdminSession
    ) throws(AMQPError) -> DeliveryAllowance {
        do throws(AMQPError) {
            try session.declare(queue)
            let limit = queue.arguments["x-delivery-limit"]?.intValue ?? 0
            return .limited(Int(clamping: limit), "its argument x-delivery-limit")
        } catch {
            return try judged(error, server: session.server)
        }
    }

    /// From the refusal of such a declaration.
    static func judged(_ error: AMQPError, server: AMQPServerInfo) throws(AMQPError) -> DeliveryAllowance {
        switch (error.code, error.mismatch?.argument) {
        case (.topologyMismatch, "x-delivery-limit"):
            guard let text = error.mismatch?.current else { return implied(server) }
            guard let limit = Int(text) else {
                return .unknown("x-delivery-limit is \(RemoteText.cleaned(text, limit: 32))")
            }
            return limit < 0
                ? .unlimited("its argument x-delivery-limit") : .limited(limit, "its argument x-delivery-limit")
        case (.topologyMismatch, "x-queue-type"): return .unlimited("no quorum queue")
        case (.topologyMismatch, let argument):
            return .unknown("it differs from what this program would declare, in \(argument ?? "an argument")")
        case (.accessRefused, _): return .unknown("the broker's user may not declare it")
        case (.resourceLocked, _): return .unknown("it is another connection's own")
        default: throw error
        }
    }
}
