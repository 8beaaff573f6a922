// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

@testable import Worker

@Suite struct CommandLineConfigTests {
    @Test func theTableShowsValueAndSource() throws {
        let report = try Sample.inspect("amqp:\n  prefetch: 4\n", ["NLU_EXPORT_LOG_LEVEL": "debug"])
        let lines = ConfigCommand.render(report, .text).split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        }
        #expect(lines.first == ["KEY", "VALUE", "SOURCE"])
        #expect(lines.contains(["amqp.prefetch", "4", "worker.yaml:2"]))
        #expect(lines.contains(["log.level", "debug", "NLU_EXPORT_LOG_LEVEL"]))
        #expect(lines.contains(["audit.file", "-", "default"]))
        #expect(
            lines.contains([
                "cognigy.tenants.default.clientSecret", "<redacted>",
                "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET",
            ]))
        #expect(ConfigCommand.exit(report) == .success)
    }

    private struct Output: Decodable {
        struct Setting: Decodable {
            let key: String, value: String?, source: String, secret: Bool, variable: String
        }
        struct Problem: Decodable { let key: String, message: String }
        let settings: [Setting]
        let problems: [Problem]
        let warnings: [String]
    }

    @Test func theJSONIsWellFormedAndComplete() throws {
        let report = try Sample.inspect("events: {source: \"a\\\"b\\\\\"}\nlog: {level: loud}", ["NLU_EXPORT_X": "1"])
        let text = ConfigCommand.render(report, .json)
        let output = try JSONDecoder().decode(Output.self, from: Data(text.utf8))
        #expect(output.settings.map(\.key) == report.entries.map(\.key))
        let source = try #require(output.settings.first { $0.key == "events.source" })
        #expect(source.value == "a\"b\\" && source.source == "worker.yaml:1" && !source.secret)
        #expect(source.variable == "NLU_EXPORT_EVENTS_SOURCE")
        #expect(output.settings.first { $0.key == "audit.file" }?.value == nil)
        #expect(output.problems.map(\.key) == ["log.level"])
        #expect(output.warnings.count == 1)
        #expect(ConfigCommand.exit(report) == .configuration)
    }
}
