// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// TLS files; all PEM.
package struct AMQPTLS: Sendable, Hashable {
    /// Certificates that may sign the broker's; nil means the system's bundle.
    package var caFile: String?
    /// The client certificate chain; needs `keyFile`.
    package var certificateFile: String?
    /// The client certificate's private key, not encrypted.
    package var keyFile: String?

    package init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// A password that may change while this process lives: it is read anew for every connection.
package struct AMQPPassword: Sendable {
    /// What to correct when the broker refuses the password, as an operator knows it: "amqp.passwordFile".
    package var origin: String
    /// Reads it as it is now. Called on the connection's own thread: it may block. What it throws ends that attempt
    /// to connect, and the next one reads again.
    package var read: @Sendable () throws(AMQPError) -> String

    package init(origin: String, read: @escaping @Sendable () throws(AMQPError) -> String) {
        self.origin = origin
        self.read = read
    }
}

/// How a connection is made and kept.
package struct AMQPConnectionConfiguration: Sendable {
    /// Tried in random order.
    package var endpoints: [AMQPEndpoint]
    /// Takes the place of the endpoints' own passwords.
    package var password: AMQPPassword?
    package var tls = AMQPTLS()
    /// Whole seconds, 0 for none; the broker may lower it.
    package var heartbeat = Duration.seconds(15)
    /// Shown on the broker's connection page.
    package var connectionName: String
    /// Client properties; `product`, `version` and `platform` are filled in when missing.
    package var clientProperties: [String: String] = [:]
    /// The first wait after a lost connection; doubled up to `reconnectMax`, with jitter.
    package var reconnectInitial = Duration.milliseconds(500)
    package var reconnectMax = Duration.seconds(30)
    /// Bound of the TCP connect and TLS handshake, and again of the AMQP login.
    package var connectTimeout = Duration.seconds(10)
    /// Bound of every answer of the broker (declare, consume, close, …).
    package var rpcTimeout = Duration.seconds(10)
    /// Unacknowledged TCP data, or a send that makes no progress, for that long ends the connection.
    package var stuckTimeout = Duration.seconds(30)
    /// The source of jitter and endpoint order, in 0..<1.
    package var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

    package init(endpoints: [AMQPEndpoint], connectionName: String) {
        self.endpoints = endpoints
        self.connectionName = connectionName
    }

    /// Throws `invalid_configuration` when a value cannot work.
    package func validate() throws(AMQPError) {
        func refuse(_ what: String) -> AMQPError { AMQPError(.invalidConfiguration, what, isRetriable: false) }
        guard !endpoints.isEmpty else { throw refuse("No broker URL given.") }
        guard (0...600).contains(heartbeat.components.seconds), heartbeat.components.attoseconds == 0 else {
            throw refuse("The AMQP heartbeat must be whole seconds from 0 to 600, it is \(heartbeat).")
        }
        guard (tls.certificateFile == nil) == (tls.keyFile == nil) else {
            throw refuse("A TLS client certificate needs both its certificate file and its key file.")
        }
        for (name, value) in [
            ("reconnect delay", reconnectInitial), ("connect timeout", connectTimeout), ("rpc timeout", rpcTimeout),
            ("stuck timeout", stuckTimeout),
        ] where value <= .zero {
            throw refuse("The AMQP \(name) must be positive, it is \(value).")
        }
    }

    /// The endpoint with the password as it is now. May block.
    func withPassword(_ endpoint: AMQPEndpoint) throws(AMQPError) -> AMQPEndpoint {
        guard let password, endpoint.mechanism == .plain else { return endpoint }
        var endpoint = endpoint
        endpoint.password = try password.read()
        return endpoint
    }

    /// Says what to correct where the broker refused user and password; other errors stay as they are.
    func explaining(_ error: AMQPError, _ endpoint: AMQPEndpoint) -> AMQPError {
        guard error.code == .refusedCredentials, error.replyCode == 403 else { return error }
        var error = error
        error.message =
            "\(endpoint) refused the login (ACCESS_REFUSED for user '\(endpoint.user)'): check "
            + "\(password?.origin ?? "user and password"); the broker's log says what was wrong."
        return error
    }
}

/// One queue to consume from.
package struct AMQPSubscription: Sendable, Hashable {
    package var queue: String
    /// Deliveries in flight of this queue, 1 to 65535.
    package var prefetch: UInt16
    /// The most bytes of a consumer tag: AMQP allows 255, and a consumer that starts again adds `#` and a number.
    package static let maximumTagBytes = 240

    /// Shown on the broker's pages; unique in the connection.
    package var consumerTag: String
    /// For example `x-priority`; shown on the broker's pages as well.
    package var arguments: AMQPTable

    package init(queue: String, prefetch: UInt16, consumerTag: String, arguments: AMQPTable = AMQPTable()) {
        self.queue = queue
        self.prefetch = prefetch
        self.consumerTag = consumerTag
        self.arguments = arguments
    }
}
