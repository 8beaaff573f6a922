// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import ExportPipeline
import Foundation
import Testing
import Yams

@testable import Worker

/// `config/asyncapi.yaml` says what the code does.
@Suite struct AsyncAPITests {
    private let document: [String: Any]

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "config/asyncapi.yaml"), encoding: .utf8)
        document = try #require(try Yams.load(yaml: text) as? [String: Any])
    }

    private func member(_ path: String...) throws -> Any {
        var value: Any = document
        for name in path { value = try #require((value as? [String: Any])?[name], "\(path) lacks \(name)") }
        return value
    }

    @Test func channelsOfEventsAreTheRoutingKeys() throws {
        for kind in ExportEvent.Kind.allCases {
            #expect(try member("channels", kind.rawValue, "address") as? String == kind.routingKey)
            let message = "export" + kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
            let type = try member("components", "messages", message, "headers", "properties", "ce-type", "const")
            #expect(type as? String == kind.cloudEventType)
        }
    }

    @Test func queuesHaveTheDeclaredArguments() throws {
        let settings = Settings.inspect(SettingsRequest(file: nil, environment: [:]), file: nil).settings
        let topology = BrokerConfiguration(settings: settings.amqp).topology
        for (channel, name) in [("commands", settings.amqp.commandQueues.first), ("dead", settings.amqp.deadQueue)] {
            #expect(try member("channels", channel, "address") as? String == name)
            let queue = try #require(topology.queues.first { $0.name == name })
            let documented = try #require(try member("channels", channel, "x-queue-arguments") as? [String: Any])
            let declared = queue.arguments.entries.map { ($0.key, $0.value.stringValue ?? "\($0.value.intValue ?? 0)") }
            #expect(documented.mapValues { "\($0)" } == Dictionary(uniqueKeysWithValues: declared))
        }
    }

    @Test func eventsGoToTheEventsExchange() throws {
        let settings = Settings.inspect(SettingsRequest(file: nil, environment: [:]), file: nil).settings
        for kind in ExportEvent.Kind.allCases {
            let exchange = try member("channels", kind.rawValue, "bindings", "amqp", "exchange", "name")
            #expect(exchange as? String == settings.amqp.eventsExchange)
        }
    }

    @Test func versionIsTheProgramsOwn() throws {
        #expect(try member("info", "version") as? String == WorkerVersion.text)
    }
}
