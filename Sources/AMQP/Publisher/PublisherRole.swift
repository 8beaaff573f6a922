// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Logging

/// A publisher's work on its connection's thread.
final class PublisherRole: ConnectionRole {
    /// Bodies of returned messages are never kept.
    let maximumBodyBytes = 0
    /// Messages written per turn, so that confirms and heartbeats get theirs.
    private static let batch = 64
    /// Publishes in a row without a confirm after which the channel is taken for deaf.
    private static let patience = 4

    private let core: PublisherCore
    private let configuration: AMQPConnectionConfiguration
    private let topology: AMQPTopology
    private let limits: AMQPPublisherLimits
    private var ledger = ConfirmLedger<UInt64>()
    private var isConnected = false
    private var blockedReason: String?
    /// Publishes that were given up since the last confirm of any.
    private var silence = 0

    init(
        core: PublisherCore, configuration: AMQPConnectionConfiguration, topology: AMQPTopology,
        limits: AMQPPublisherLimits
    ) {
        self.core = core
        self.configuration = configuration
        self.topology = topology
        self.limits = limits
    }

    private var maySend: Bool {
        isConnected && blockedReason == nil && ledger.count < limits.maximumOutstanding
    }

    var deadline: ContinuousClock.Instant? {
        maySend && core.hasPending ? .now : core.nextDeadline
    }

    func opened(_ session: Session) throws(AMQPError) {
        try session.apply(topology)
        try session.selectConfirms()
        isConnected = true
    }

    func received(_ event: ChannelEvent, _ session: Session) throws(AMQPError) {
        switch event {
        case .confirm(let tag, let multiple, let accepted):
            silence = 0
            for (id, verdict) in ledger.decided(tag: tag, multiple: multiple, accepted: accepted) {
                core.resolve(id, PublisherRole.outcome(verdict))
            }
        case .content(let content):
            guard case .returned(_, let text, let exchange, let routingKey) = content.head else {
                throw AMQPError(.protocolViolation, "\(session.broker) delivered a message to a publisher.")
            }
            let key = PublishKey(
                exchange: exchange, routingKey: routingKey, messageID: content.properties.messageID,
                bodySize: content.bodySize)
            ledger.returned(key, replyText: text)
        case .blocked(let reason):
            blockedReason = reason
            core.control.emit(.blocked(reason: reason))
        case .unblocked:
            blockedReason = nil
            core.control.emit(.unblocked)
        case .consumerCancelled, .reply:
            throw AMQPError(.protocolViolation, "\(session.broker) answered something nobody asked.")
        }
    }

    private static func outcome(_ verdict: ConfirmLedger<UInt64>.Verdict) -> PublisherCore.Outcome {
        switch verdict {
        case .routed: .success(.routed)
        case .unroutable(let text): .success(.unroutable(replyText: text))
        case .refused:
            .failure(
                AMQPError(
                    .nacked,
                    "The broker refused to keep a message (basic.nack): a queue is full, or its node is in "
                        + "trouble. Publish it again later.", wasSent: true))
        }
    }

    func work(_ session: Session) throws(AMQPError) {
        let abandoned = expire()
        if abandoned > 0 { try checkDeafness(abandoned, session) }
        for _ in 0..<PublisherRole.batch where maySend {
            guard let (id, message) = core.takePending() else { return }
            if let problem = message.problem(frameMax: session.frameMax, maximumBodyBytes: limits.maximumBodyBytes) {
                core.resolve(id, .failure(problem))
                continue
            }
            ledger.published(
                id,
                key: PublishKey(
                    exchange: message.exchange, routingKey: message.routingKey,
                    messageID: message.properties.messageID, bodySize: UInt64(message.body.count)))
            try session.publish(message)
        }
    }

    func idle() { _ = expire() }

    /// Publishes that were written and given up.
    private func expire() -> Int {
        core.expire(at: .now) {
            if let blockedReason {
                return AMQPError(
                    .blocked, "The broker blocks publishers (\(blockedReason)): free memory or disk there.")
            }
            guard isConnected else {
                return AMQPError(
                    .notConnected, "No connection to the broker: the message was not sent.",
                    underlying: core.control.status.lastError?.message)
            }
            return AMQPError(.timeout, "The broker confirms too slowly: the message was not sent in time.")
        }
    }

    /// Messages whose callers gave up keep their place until the broker decides. When it never does for half of the
    /// places, or for several in a row, only a new channel helps. In an alarm none would.
    private func checkDeafness(_ abandoned: Int, _ session: Session) throws(AMQPError) {
        silence += abandoned
        guard blockedReason == nil, silence >= PublisherRole.patience || isHalfAbandoned else { return }
        throw AMQPError(
            .confirmTimeout,
            "\(session.broker) has not confirmed \(ledger.count) messages: the connection is made "
                + "anew.")
    }

    private var isHalfAbandoned: Bool { ledger.count - core.sentCount > limits.maximumOutstanding / 2 }

    func lost(_ error: AMQPError) {
        isConnected = false
        blockedReason = nil
        silence = 0
        for id in ledger.reset() {
            core.resolve(
                id,
                .failure(
                    AMQPError(
                        .connectionLost,
                        "The connection was lost before the broker confirmed the message; it may have "
                            + "it. Publish it again with the same message id.", underlying: error.message,
                        wasSent: true, replyCode: error.replyCode)))
        }
    }

    /// Gives the messages on their way a little time.
    func finish(_ session: Session) throws(AMQPError) {
        let end = ContinuousClock.now + min(configuration.rpcTimeout, .seconds(5))
        while core.sentCount > 0, blockedReason == nil, ContinuousClock.now < end {
            try session.pump()
            if core.sentCount > 0 { session.wait(for: nil, until: end) }
        }
    }

    func ended() { core.end() }
}
