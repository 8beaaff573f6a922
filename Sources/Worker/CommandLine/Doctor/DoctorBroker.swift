// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP

/// The broker: each of its URLs, the topology, the queues, publishing.
struct DoctorBroker: Sendable {
    let surroundings: DoctorSurroundings
    /// The URLs without their passwords; empty where one of them cannot be read.
    private let endpoints: [AMQPEndpoint]

    init(_ surroundings: DoctorSurroundings) {
        self.surroundings = surroundings
        let list = surroundings.settings.amqp.urls.map { $0.reveal() }.joined(separator: ",")
        endpoints = (try? AMQPEndpoint.parse(list: list)) ?? []
    }

    var settings: Settings.AMQP { surroundings.settings.amqp }

    var checks: [DoctorCheck] {
        var checks: [DoctorCheck] = []
        for index in endpoints.indices {
            let name = endpoints.count == 1 ? "broker" : "broker \(index + 1)"
            checks.append(DoctorCheck(name) { await reach(index, name) })
        }
        if endpoints.isEmpty { checks.append(DoctorCheck("broker") { await reach(nil, "broker") }) }
        let needs = checks.map(\.name)
        checks.append(DoctorCheck("topology", needs: needs) { await topology() })
        checks.append(DoctorCheck("queues", needs: needs) { await queues() })
        checks.append(DoctorCheck("publishing", needs: needs) { await [takesMessages()] })
        checks.append(DoctorCheck("announcing", needs: ["publishing"]) { await [mayAnnounce()] })
        return checks + DoctorManagement(surroundings, endpoint: endpoints.first).checks
    }

    /// A connection of this command, impatient enough to fail with its own words before the check's time is over.
    func connection() async throws -> AMQPConnectionConfiguration {
        var connection = try await BrokerConfiguration(settings: settings)
            .connection("doctor", identity: surroundings.identity)
        connection.connectTimeout = .seconds(5)
        connection.rpcTimeout = .seconds(5)
        return connection
    }

    /// What `body` finds over a connection, or why there is none.
    func trying(
        _ subject: String, only index: Int? = nil,
        _ body: @escaping @Sendable (AMQPAdminSession) throws(AMQPError) -> [DoctorFinding]
    ) async -> [DoctorFinding] {
        do {
            var connection = try await connection()
            if let index { connection.endpoints = [connection.endpoints[index]] }
            return try await AMQPAdmin.withConnection(connection, body)
        } catch let error as AMQPError {
            return [.failure(subject, error)]
        } catch let error as SecretError {
            return [.failure(subject, error, key: "amqp.passwordFile")]
        } catch {
            return [.failure(subject, "\(error)", remedy: "correct amqp.url", exit: .configuration)]
        }
    }

    private func reach(_ index: Int?, _ name: String) async -> [DoctorFinding] {
        var shown = index.map { endpoints[$0] }
        if let user = settings.username { shown?.user = user }
        let place = shown.map { "\($0)" } ?? ""
        return await trying(name, only: index) { session throws(AMQPError) in
            [Self.judge(session.server, name, place: place)]
        }
    }

    /// Whether the broker is one that keeps the promises the worker relies on.
    static func judge(_ server: AMQPServerInfo, _ name: String, place: String) -> DoctorFinding {
        let cluster = server.clusterName.isEmpty ? "" : ", cluster \(server.clusterName)"
        let found = "\(place) is \(server.product) \(server.version)\(cluster)"
        let needed = ["publisher_confirms", "basic.nack", "consumer_cancel_notify", "connection.blocked"]
        let missing = needed.filter { !server.capabilities.contains($0) }
        if !missing.isEmpty {
            return .failure(
                name, "\(found), which does not offer \(missing.joined(separator: ", "))",
                remedy: "use RabbitMQ 3.10 or newer", exit: .unavailable)
        }
        guard server.product == "RabbitMQ", server.isAtLeast(3, 10) else {
            return .warning(name, "\(found), not what the worker is made for", remedy: "use RabbitMQ 3.10 or newer")
        }
        return .fine(name, found)
    }
}

extension DoctorFinding {
    static func failure(_ subject: String, _ error: AMQPError) -> DoctorFinding {
        let exit: WorkerExit = error.code == .invalidMessage ? .internal : WorkerExit(error)
        return .failure(subject, error.description, remedy: error.doctorRemedy, exit: exit)
    }
}

extension AMQPError {
    /// What an operator does about it, with the settings that matter.
    fileprivate var doctorRemedy: String {
        switch code {
        case .invalidConfiguration: "correct the setting amqp.* that is named"
        case .resolve: "correct the host in amqp.url, or the name service of this machine"
        case .connect, .timeout, .connectionLost, .notConnected:
            "start the broker, or correct host and port in amqp.url; see that no firewall is between"
        case .tls:
            "use amqps:// with the name in the broker's certificate, and set amqp.tls.caFile to its authority "
                + "(amqp.tls.certFile and keyFile where the broker asks for a certificate)"
        case .refusedCredentials where replyCode == 530:
            "create the virtual host (rabbitmqctl add_vhost VHOST) and let the user in: "
                + "rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ"
        case .refusedCredentials:
            "correct user and password (amqp.url, or amqp.username and amqp.passwordFile); guest may come from the "
                + "broker's own host only"
        case .accessRefused:
            "grant the permission: rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ, with patterns that "
                + "match the worker's exchanges and queues"
        case .notFound: "create what is missing: nlu-export-worker topology apply"
        case .topologyMismatch: "see the difference with: nlu-export-worker topology plan"
        case .blocked: "free memory or disk on the broker's nodes: rabbitmq-diagnostics alarms"
        case .nacked: "see which queue is full or without a majority of its nodes: rabbitmq-diagnostics check_running"
        default: "see the broker's log of this moment"
        }
    }
}
