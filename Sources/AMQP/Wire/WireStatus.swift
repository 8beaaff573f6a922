// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ

/// Turns librabbitmq's status codes and the broker's reply codes into errors.
enum WireStatus {
    static func text(_ status: Int32) -> String {
        guard let text = unsafe amqp_error_string2(status) else { return "status \(status)" }
        return unsafe String(cString: text)
    }

    /// A failure while the connection was in use. `broker` names it.
    static func error(_ status: Int32, doing what: String, broker: String) -> AMQPError {
        let code: AMQPError.Code
        switch amqp_status_enum(rawValue: status) {
        case AMQP_STATUS_BAD_AMQP_DATA, AMQP_STATUS_UNKNOWN_CLASS, AMQP_STATUS_UNKNOWN_METHOD,
            AMQP_STATUS_UNEXPECTED_STATE, AMQP_STATUS_WRONG_METHOD:
            code = .protocolViolation
        case AMQP_STATUS_TIMEOUT: code = .timeout
        case AMQP_STATUS_NO_MEMORY, AMQP_STATUS_TIMER_FAILURE: code = .system
        default: code = .connectionLost
        }
        return AMQPError(
            code, "Connection to \(broker) lost while \(what): \(text(status)).", underlying: text(status))
    }

    /// A failure to open the socket.
    static func openError(_ status: Int32, endpoint: AMQPEndpoint, tls: AMQPTLS) -> AMQPError {
        let words = text(status)
        switch amqp_status_enum(rawValue: status) {
        case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
            return AMQPError(
                .resolve, "The broker's host name '\(endpoint.host)' cannot be resolved: check the URL and the DNS.",
                underlying: words)
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
            let hint =
                endpoint.hostIsAddress
                ? "the certificate is compared with DNS names only, so use the broker's name instead of its address"
                : "use a name that the certificate carries as DNS name"
            return AMQPError(
                .tls, "The certificate of \(endpoint) is for another host: \(hint).", underlying: words)
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
            return AMQPError(
                .tls,
                "The certificate of \(endpoint) is not signed by a known authority, or has expired: check "
                    + "\(tls.caFile ?? "the system's CA bundle") and the broker's certificate.", underlying: words)
        case AMQP_STATUS_SSL_CONNECTION_FAILED, AMQP_STATUS_SSL_ERROR:
            return AMQPError(
                .tls,
                "The TLS handshake with \(endpoint) failed: check that this port speaks TLS 1.2 or newer and "
                    + "whether it asks for a client certificate.", underlying: words)
        case AMQP_STATUS_TIMEOUT:
            return AMQPError(
                .connect, "\(endpoint) did not answer in time: check host, port and firewalls.", underlying: words)
        default:
            return AMQPError(
                .connect, "No connection to \(endpoint): check that the broker runs, and host and port.",
                underlying: words)
        }
    }

    /// The broker closed the channel or the connection with that reply code.
    static func closed(_ replyCode: Int, _ text: String, channel: Bool, broker: String) -> AMQPError {
        let what = channel ? "channel" : "connection"
        var error = AMQPError(
            channel ? .channelClosed : .connectionClosed, "\(broker) closed the \(what): \(replyCode) \(text).",
            underlying: text, replyCode: replyCode)
        switch replyCode {
        case 403 where channel: error.code = .accessRefused
        case 404: error.code = .notFound
        case 405: error.code = .resourceLocked
        default: break
        }
        return error
    }

    /// The broker closed the connection during the login.
    static func loginRefused(_ replyCode: Int, _ text: String, endpoint: AMQPEndpoint) -> AMQPError {
        var error = closed(replyCode, text, channel: false, broker: "\(endpoint)")
        switch replyCode {
        case 403: error.code = .refusedCredentials
        case 530:
            error.code = .refusedCredentials
            error.message =
                "\(endpoint) refused the connection: check that the virtual host exists and the user may use it, and "
                + "the connection limits."
        default: break
        }
        return error
    }
}
