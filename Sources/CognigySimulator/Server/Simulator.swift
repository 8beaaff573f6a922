// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
package import Logging
internal import NIOCore

/// A running simulator: a tenant behind two listeners, the API and the download host.
package final class Simulator: Sendable {
    /// Base URL of the API, base path included, without a slash at its end.
    package let baseURL: String
    /// Base URL of the download host.
    package let downloadBaseURL: String
    /// The API's port.
    package let port: Int
    /// The download host's port.
    package let downloadPort: Int
    /// The tenant, for rules and faults.
    package let tenant: Tenant

    private let servers: [Task<Void, Never>]
    private let listeners: [any Channel]

    private init(
        _ configuration: SimulatorConfiguration, listeners: [any Channel], tenant: Tenant, servers: [Task<Void, Never>]
    ) {
        let ports = listeners.map { $0.localAddress?.port ?? 0 }
        port = ports[0]
        downloadPort = ports[1]
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        baseURL = configuration.publicURL ?? "http://\(host):\(ports[0])\(configuration.basePath)"
        downloadBaseURL = configuration.publicDownloadURL ?? "http://\(host):\(ports[1])"
        self.tenant = tenant
        self.servers = servers
        self.listeners = listeners
    }

    /// Everything the tenant has seen so far.
    package var log: SimulatorLog { tenant.log }

    /// Starts both listeners and returns once they accept connections; throws when a port cannot be had.
    ///
    /// With `clock` a test decides how fast jobs are and when tokens expire.
    package static func start(
        _ configuration: SimulatorConfiguration = SimulatorConfiguration(),
        clock: some Clock<Duration> = ContinuousClock(), logger: Logger? = nil
    ) async throws -> Simulator {
        let tenant = Tenant(configuration: configuration, time: SimulatorTime(clock: clock))
        return try await start(tenant, configuration, logger: logger)
    }

    /// Starts listeners for a tenant that is there already: one that was stopped and comes back with all it knew.
    package static func start(
        _ tenant: Tenant, _ configuration: SimulatorConfiguration, logger: Logger? = nil
    ) async throws -> Simulator {
        let logger = logger ?? Logger(label: "cognigy-simulator") { _ in SwiftLogNoOpLogHandler() }
        let serverLogger = serverLogger(logger)
        var servers: [Task<Void, Never>] = []
        var listeners: [any Channel] = []
        for (listener, port) in [(Listener.api, configuration.port), (.download, configuration.downloadPort)] {
            let start = ServerStart()
            let responder = ListenerResponder(tenant: tenant, listener: listener, logger: logger)
            servers.append(Task { await start.run(responder, host: configuration.host, port: port, serverLogger) })
            do {
                listeners.append(try await start.listener())
            } catch {
                // Who asks for the same ports again must not meet those of this attempt.
                await stop(servers, listeners)
                throw error
            }
        }
        let simulator = Simulator(configuration, listeners: listeners, tenant: tenant, servers: servers)
        tenant.listen(apiPort: simulator.port, downloadPort: simulator.downloadPort)
        return simulator
    }

    private static func serverLogger(_ logger: Logger) -> Logger {
        var logger = logger
        // The server calls an orderly stop an error ("Waiting on child channel"): of interest to a debugger only.
        if logger.logLevel > .debug { logger.logLevel = .critical }
        return logger
    }

    /// Requests as they come in, from now on; see ``Tenant/requests()``.
    package func requests() -> AsyncStream<RequestRecord> { tenant.requests() }

    /// Puts a rule over those already there.
    package func add(_ rule: Rule) {
        tenant.add(rule)
    }

    private static let handOver = Duration.milliseconds(100)

    /// Closes both listeners and every connection, and returns when that is done.
    package func stop() async {
        await Self.stop(servers, listeners)
    }

    private static func stop(_ servers: [Task<Void, Never>], _ listeners: [any Channel]) async {
        // A task of its own: whoever stops because it was cancelled still gives the connections their moment.
        await Task { await end(servers, listeners) }.value
    }

    private static func end(_ servers: [Task<Void, Never>], _ listeners: [any Channel]) async {
        // A server that is cancelled while it takes a connection ends the process: NIO insists that whoever is let in is
        // served (apple/swift-nio#3481). So nobody is let in any more, and who was has a moment to get to its handler.
        for listener in listeners { try? await listener.close() }
        try? await Task.sleep(for: handOver)
        for server in servers { server.cancel() }
        for server in servers { await server.value }
    }
}

/// One listener on its way up: runs a server and tells the port, or why there is none.
private struct ServerStart: Sendable {
    private let outcomes: AsyncStream<Result<any Channel, any Error>>
    private let outcome: AsyncStream<Result<any Channel, any Error>>.Continuation

    init() {
        (outcomes, outcome) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    func run(_ responder: ListenerResponder, host: String, port: Int, _ logger: Logger) async {
        let application = Application(
            responder: responder,
            server: .http1(configuration: .init(additionalChannelHandlers: [HalfCloseHandler()])),
            configuration: .init(address: .hostname(host, port: port), backlog: 4096),
            onServerRunning: { channel in outcome.yield(.success(channel)) },
            logger: logger)
        do {
            try await application.run()
        } catch {
            // After the start this is the cancellation by which the simulator is stopped.
            outcome.yield(.failure(error))
        }
        outcome.finish()
    }

    func listener() async throws -> any Channel {
        for await result in outcomes { return try result.get() }
        throw CancellationError()
    }
}
