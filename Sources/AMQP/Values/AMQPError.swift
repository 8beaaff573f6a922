// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What went wrong between this process and the broker.
///
/// Messages name the object concerned and what to do next; they never contain a password.
package struct AMQPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A bounded label, fit for metrics.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A broker URL, a name or an option that cannot work; nothing was sent.
        case invalidConfiguration = "invalid_configuration"
        /// The host name could not be resolved.
        case resolve
        /// No TCP connection could be made.
        case connect
        /// The TLS handshake or the certificate check failed.
        case tls
        /// The broker refused user, password or virtual host.
        case refusedCredentials = "refused_credentials"
        /// The password could not be read from where it is kept; nothing was sent.
        case passwordUnavailable = "password_unavailable"
        /// The user may not do this (403).
        case accessRefused = "access_refused"
        /// A queue or exchange is not there (404).
        case notFound = "not_found"
        /// A queue or exchange exists with other properties (406).
        case topologyMismatch = "topology_mismatch"
        /// A queue is locked by another connection (405).
        case resourceLocked = "resource_locked"
        /// The broker cancelled a consumer that still held deliveries; the channel was given up.
        case consumerCancelled = "consumer_cancelled"
        /// The broker closed the channel for another reason.
        case channelClosed = "channel_closed"
        /// The broker closed the connection and said why.
        case connectionClosed = "connection_closed"
        /// The connection broke: reset, end of stream, heartbeat missed, stuck send.
        case connectionLost = "connection_lost"
        /// The peer broke the protocol; the connection was dropped.
        case protocolViolation = "protocol_violation"
        /// The broker did not answer in time.
        case timeout
        /// The broker negatively confirmed a publish.
        case nacked
        /// No confirm came in time; the message may be in the queue.
        case confirmTimeout = "confirm_timeout"
        /// The broker blocks publishers (memory or disk alarm) longer than the caller would wait.
        case blocked
        /// No connection to the broker for longer than the caller would wait.
        case notConnected = "not_connected"
        /// The message cannot be encoded (too large, a name too long).
        case invalidMessage = "invalid_message"
        /// Too many publishes wait already.
        case overloaded
        /// The caller's task was cancelled.
        case cancelled
        /// The client was shut down.
        case shutDown = "shut_down"
        /// A system call failed (threads, descriptors, memory).
        case system
    }

    /// The bounded label.
    package var code: Code
    /// What happened, to what, and what to do next.
    package var message: String
    /// The broker's or the library's own words, where there are any.
    package var underlying: String?
    /// Whether the same call may succeed later without a change of configuration.
    package var isRetriable: Bool
    /// Whether what the caller sent may have reached the broker.
    package var wasSent: Bool
    /// The broker's reply code (404, 406, …), where it gave one.
    package var replyCode: Int?
    /// What differs, when a declaration did not match what exists.
    package var mismatch: AMQPTopologyMismatch?

    package init(
        _ code: Code, _ message: String, underlying: String? = nil, isRetriable: Bool = true, wasSent: Bool = false,
        replyCode: Int? = nil, mismatch: AMQPTopologyMismatch? = nil
    ) {
        self.code = code
        self.message = message
        self.underlying = underlying
        self.isRetriable = isRetriable
        self.wasSent = wasSent
        self.replyCode = replyCode
        self.mismatch = mismatch
    }

    package var description: String {
        guard let underlying, !message.contains(underlying) else { return message }
        return "\(message) (\(underlying))"
    }
}

/// Where a declaration and the broker's object differ.
package struct AMQPTopologyMismatch: Sendable, Hashable {
    /// `queue` or `exchange`.
    package var kind: String
    /// The object's name.
    package var name: String
    /// The argument or property that differs, as the broker calls it.
    package var argument: String
    /// What this process declared; nil when it declared none.
    package var declared: String?
    /// What the broker has; nil when it has none.
    package var current: String?
}
