// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Foundation

/// Publishes the commands of a run with confirms, through every outage of the broker.
///
/// A message whose confirm was lost is published again, as an upstream would: such copies are counted.
struct CommandFeed: Sendable {
    let plan: CommandPlan
    let names: ChaosNames
    let servers: ChaosServers
    let journal: Journal

    /// Returns once everything is confirmed, or the task is cancelled.
    func run() async throws {
        let publisher = try AMQPPublisher(connection: try servers.brokerConfiguration(), logger: ChaosServers.logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await publisher.run() }
            // One after the other: their order is that of the plan, whatever happens in between.
            for message in plan.messages where !Task.isCancelled { await publish(message, publisher) }
            await publisher.shutdown()
            await group.waitForAll()
        }
        journal.note("all commands are published")
    }

    private func publish(_ message: CommandPlan.Message, _ publisher: AMQPPublisher) async {
        let command = plan.commands[message.command]
        // Half of the second copies are the same message again, half are another that asks for the same.
        let id = message.copy == 1 || command.id.hasSuffix("0") ? command.id : "\(command.id)-\(message.copy)"
        let content = AMQPMessage(
            exchange: names.commands, routingKey: names.commands,
            properties: AMQPProperties(
                contentType: "application/json", deliveryMode: .persistent, messageID: id), body: command.body)
        while !Task.isCancelled {
            do {
                _ = try await publisher.publish(content)
                return
            } catch {
                journal.note("\(command.id) is published again: \(error)")
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
