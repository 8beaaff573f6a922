// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Foundation
internal import HTTPTransport
internal import Logging
internal import ObjectStore

/// The servers that a run uses, and the program that it puts to the test.
package struct ChaosServers: Sendable {
    package var brokerURL: String
    package var storeEndpoint: String
    package var accessKey: String
    package var secretKey: String
    /// The program `nlu-export-worker`.
    package var worker: String
    /// Stops and starts the servers; nil where they belong to somebody else.
    package var services: ServiceControl?
    /// A command that runs rabbitmqctl on the broker; nil where there is none.
    package var brokerControl: String?
    /// Where workers write their process ids for whoever cleans up behind a run that was killed itself.
    package var processDirectory: String?
    /// A disk for audit files may be mounted: this process is root and has a mount namespace of its own.
    package var mayMount = false

    package init(brokerURL: String, storeEndpoint: String, accessKey: String, secretKey: String, worker: String) {
        self.brokerURL = brokerURL
        self.storeEndpoint = storeEndpoint
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.worker = worker
    }

    /// Why a server cannot be used as it is, and what to do.
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    /// The port of a server on loopback; the workers reach it through proxies, which know no other address.
    static func port(of url: String) throws -> Int {
        guard let components = URLComponents(string: url), let port = components.port,
            ["127.0.0.1", "localhost"].contains(components.host)
        else {
            throw Unusable(description: "\(Self.withoutPassword(url)) is no address on 127.0.0.1 with a port; give one")
        }
        return port
    }

    /// The same URL on another port of loopback.
    static func moved(_ url: String, to port: Int) -> String {
        guard var components = URLComponents(string: url) else { return url }
        components.host = "127.0.0.1"
        components.port = port
        return components.string ?? url
    }

    private static func withoutPassword(_ url: String) -> String {
        guard let at = url.lastIndex(of: "@") else { return url }
        return "…" + url[at...]
    }

    static let logger = Logger(label: "chaos") { _ in SwiftLogNoOpLogHandler() }

    func brokerConfiguration() throws -> AMQPConnectionConfiguration {
        var configuration = AMQPConnectionConfiguration(
            endpoints: try AMQPEndpoint.parse(list: brokerURL), connectionName: "chaos")
        configuration.reconnectInitial = .milliseconds(100)
        configuration.reconnectMax = .milliseconds(500)
        return configuration
    }

    func store(bucket: String, http: HTTPClient) throws -> S3Client {
        S3Client(
            configuration: try S3Configuration(bucket: bucket, endpoint: storeEndpoint),
            credentials: StaticCredentials(S3Credentials(accessKeyID: accessKey, secretAccessKey: secretKey)),
            transport: http, logger: Self.logger)
    }
}

/// The names of one run, shared with no other.
package struct ChaosNames: Sendable, Hashable {
    private let base: String

    init() { base = "chaos-\(UUID().uuidString.lowercased().prefix(8))" }

    package var bucket: String { base }
    package var commands: String { "\(base).commands" }
    package var dead: String { "\(base).dead" }
    package var events: String { "\(base).events" }
    /// The queue in which the run finds the events.
    package var observed: String { "\(base).observed" }
}
