// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import Logging

/// `nlu-export-worker submit`: puts export commands on the queue, and waits for their outcome where asked.
package enum SubmitCommand {
    /// Publishes every submission with a confirm; with `wait` follows them to their end.
    package static func run(
        settings: Settings, submissions: [Submission], wait: WaitOptions?, output: OutputFormat
    ) async -> WorkerExit {
        let environment = SystemEnvironment()
        let identity = WorkerIdentity.current(environment: environment)
        let broker = BrokerConfiguration(settings: settings.amqp)
        let commands = submissions.map { SubmittedCommand($0, settings: settings, environment: environment) }
        do {
            if let problem = commands.lazy.compactMap(\.problem).first {
                CommandOutput.complain(problem)
                return .usage
            }
            guard let wait else {
                try await publish(commands, broker, identity)
                report(commands, output)
                return .success
            }
            let follower = try EventFollower(
                connection: await broker.connection("submit", identity: identity), settings: settings.amqp,
                commandIDs: Set(commands.map(\.commandID)), display: .standardError(expected: commands.count),
                output: output)
            return try await follower.follow(timeout: wait.timeout) { try await publish(commands, broker, identity) }
        } catch let error as AMQPError {
            CommandOutput.complain(error.description)
            return WorkerExit(error)
        } catch {
            CommandOutput.complain("\(error)")
            return .configuration
        }
    }

    private static func publish(
        _ commands: [SubmittedCommand], _ broker: BrokerConfiguration, _ identity: WorkerIdentity
    ) async throws {
        let messages = commands.map { $0.message(exchange: broker.settings.commandExchange) }
        try await AMQPAdmin.withConnection(broker.connection("submit", identity: identity)) {
            session throws(AMQPError) in
            for message in messages {
                guard case .unroutable = try session.publish(message) else { continue }
                throw AMQPError(
                    .notFound,
                    "No queue takes commands with routing key '\(message.routingKey)' on exchange "
                        + "'\(message.exchange)'; create them with: nlu-export-worker topology apply",
                    isRetriable: false)
            }
        }
    }

    private static func report(_ commands: [SubmittedCommand], _ output: OutputFormat) {
        for command in commands {
            switch output {
            case .text: CommandOutput.print("submitted \(command.commandID) to \(command.queue)")
            case .json:
                CommandOutput.print(
                    JSONWriter.string(
                        of: .object(
                            JSONObject(["commandId": .string(command.commandID), "queue": .string(command.queue)]))))
            }
        }
    }
}

/// A submission as the command message that goes to the broker.
struct SubmittedCommand: Sendable {
    let commandID: String
    let queue: String
    let body: [UInt8]
    private let maximumBytes: Int
    private let queues: [String]

    init(_ submission: Submission, settings: Settings, environment: any PipelineEnvironment) {
        commandID = submission.commandID ?? environment.uniqueID()
        queues = settings.amqp.commandQueues
        queue = submission.queue ?? queues.first ?? ""
        maximumBytes = settings.amqp.maxCommandBytes
        body = Self.body(submission, commandID: commandID)
    }

    /// The JSON of the command, absent fields left out.
    static func body(_ submission: Submission, commandID: String) -> [UInt8] {
        var metadata = JSONObject()
        for (key, value) in submission.metadata.sorted(by: { $0.key < $1.key }) { metadata.set(key, .string(value)) }
        return JSONWriter.bytes(
            of: JSONObject([
                "commandId": .string(commandID), "tenant": submission.tenant.map(JSONValue.string),
                "modelId": .string(submission.modelID), "version": .string(submission.version),
                "format": submission.format.map(JSONValue.string),
                "metadata": metadata.isEmpty ? nil : .object(metadata),
            ]))
    }

    /// Why the worker would refuse it, or nil.
    var problem: String? {
        guard queues.contains(queue) else {
            return "queue \(queue) is none of amqp.commands.queues (\(queues.joined(separator: ", ")))"
        }
        let message = IncomingMessage(body: body, messageID: commandID)
        switch CommandParser.parse(message, limits: CommandLimits(maximumBytes: maximumBytes)) {
        case .success: return nil
        case .failure(let invalid): return invalid.failure.message
        }
    }

    func message(exchange: String) -> AMQPMessage {
        AMQPMessage(
            exchange: exchange, routingKey: queue,
            properties: AMQPProperties(
                contentType: "application/json", deliveryMode: .persistent, correlationID: commandID,
                messageID: commandID, appID: "nlu-export-worker"),
            body: body)
    }
}
