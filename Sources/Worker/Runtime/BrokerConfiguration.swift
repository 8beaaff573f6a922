// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP

/// Turns `amqp.*` into what the AMQP module wants to know.
struct BrokerConfiguration: Sendable {
    let settings: Settings.AMQP

    /// A connection of that role. The password file is read for every connection that is made, so that a password may
    /// be changed while the worker runs.
    ///
    /// - Throws: `AMQPError` or `SecretError` for what cannot be used now. A file that goes bad later is told and tried
    ///   again with the connection.
    func connection(_ role: String, identity: WorkerIdentity) async throws -> AMQPConnectionConfiguration {
        var endpoints = try AMQPEndpoint.parse(list: settings.urls.map { $0.reveal() }.joined(separator: ","))
        for index in endpoints.indices {
            if let user = settings.username { endpoints[index].user = user }
        }
        _ = try await settings.password?.current()
        var configuration = AMQPConnectionConfiguration(endpoints: endpoints, connectionName: identity.name(role))
        configuration.password = settings.password.map(AMQPPassword.init)
        configuration.heartbeat = settings.heartbeat
        configuration.tls = AMQPTLS(
            caFile: settings.tls.caFile, certificateFile: settings.tls.certFile, keyFile: settings.tls.keyFile)
        configuration.clientProperties = [
            "product": "nlu-export-worker", "version": WorkerVersion.text, "instance": identity.instance,
            "role": role,
        ]
        return configuration
    }

    /// The exchanges and queues of the contract, dead letters first: a queue never points at an exchange that is not
    /// there yet.
    var topology: AMQPTopology {
        let dead = AMQPTopology.Queue(
            name: settings.deadQueue,
            // Looking at a dead letter returns it; RabbitMQ 4's default of 20 would destroy it.
            arguments: ["x-queue-type": "quorum", "x-delivery-limit": 1_000_000])
        let commands = settings.commandQueues.map { AMQPTopology.Queue(name: $0, arguments: commandArguments) }
        let archive = settings.eventsArchiveQueue.map { AMQPTopology.Queue(name: $0, arguments: Self.archiveArguments) }
        var bindings = [
            AMQPTopology.Binding(queue: settings.deadQueue, exchange: settings.deadExchange, routingKey: "")
        ]
        bindings += settings.commandQueues.map {
            AMQPTopology.Binding(queue: $0, exchange: settings.commandExchange, routingKey: $0)
        }
        if let archive {
            bindings.append(.init(queue: archive.name, exchange: settings.eventsExchange, routingKey: "#"))
        }
        return AMQPTopology(
            exchanges: [
                .init(name: settings.deadExchange, kind: "fanout"),
                .init(name: settings.commandExchange, kind: "direct"),
                .init(name: settings.eventsExchange, kind: "topic"),
            ],
            queues: [dead] + commands + (archive.map { [$0] } ?? []), bindings: bindings,
            mode: settings.declare ? .declare : .passive)
    }

    /// What the events connection needs: the exchange alone.
    var eventsTopology: AMQPTopology {
        AMQPTopology(
            exchanges: [.init(name: settings.eventsExchange, kind: "topic")], queues: [], bindings: [],
            mode: settings.declare ? .declare : .passive)
    }

    /// What safety needs and no policy can give later: a reject without a dead-letter target discards the message.
    private var commandArguments: AMQPTable {
        [
            "x-queue-type": "quorum", "x-dead-letter-exchange": .string(settings.deadExchange),
            "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
            "x-delivery-limit": .int(Int64(settings.deliveryLimit)),
        ]
    }

    private static let archiveArguments: AMQPTable = [
        "x-queue-type": "quorum", "x-max-length": 100_000, "x-overflow": "drop-head",
    ]

    /// The consumers: one a queue, each with the whole prefetch.
    func subscriptions(identity: WorkerIdentity) -> [AMQPSubscription] {
        settings.commandQueues.map {
            AMQPSubscription(
                queue: $0, prefetch: UInt16(clamping: settings.prefetch), consumerTag: identity.consumerTag($0))
        }
    }
}

extension AMQPPassword {
    /// The password as the file has it at the moment of each connection; read on the connection's own thread.
    init(_ source: SecretSource) {
        let origin = source.path.map { "amqp.passwordFile (\($0))" } ?? "amqp.url"
        self.init(origin: origin) { () throws(AMQPError) in
            do throws(SecretError) {
                return try source.value().reveal()
            } catch {
                throw AMQPError(.passwordUnavailable, "No password for the broker: \(error)")
            }
        }
    }
}
