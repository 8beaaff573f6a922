// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Where a broker is and as whom to talk to it.
package struct AMQPEndpoint: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// How the client proves who it is.
    package enum Mechanism: Sendable, Hashable {
        /// User and password.
        case plain
        /// The TLS client certificate.
        case external
    }

    /// A DNS name or an address; IPv6 without brackets. With TLS use the name in the broker's certificate:
    /// librabbitmq's host check knows DNS names only, an address never matches an IP entry of a certificate.
    package var host: String
    package var port: Int
    package var useTLS: Bool
    package var virtualHost: String
    package var user: String
    package var password: String
    package var mechanism: Mechanism

    package init(
        host: String, port: Int, useTLS: Bool = false, virtualHost: String = "/", user: String = "guest",
        password: String = "guest", mechanism: Mechanism = .plain
    ) {
        self.host = host
        self.port = port
        self.useTLS = useTLS
        self.virtualHost = virtualHost
        self.user = user
        self.password = password
        self.mechanism = mechanism
    }

    /// The URL without its password.
    package var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(useTLS ? "amqps" : "amqp")://\(user)@\(name):\(port) (virtual host '\(virtualHost)')"
    }

    package var debugDescription: String { description }

    /// Without children, so that not even `dump` shows the password.
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether the host is written as an address.
    var hostIsAddress: Bool {
        host.contains(":") || (!host.isEmpty && host.allSatisfy { $0 == "." || ("0"..."9").contains($0) })
    }
}
