// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

/// Whatever arrives, the parser ends with a command that obeys the rules or with a reason that is fit to print.
struct CommandFuzzTests {
    private static let seeds: [(body: String, contentType: String)] = [
        (
            #"{"commandId":"c","tenant":"acme","modelId":"m","version":"1","format":"ONNX","metadata":{"a":"b"}}"#,
            "application/json"
        ),
        (#"{"modelId":"ä\u00e4","version":"1.4.0"}"#, "application/json"),
        (
            #"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"modelId":"m","version":"1"}}"#,
            "application/cloudevents+json"
        ),
        (
            #"{"specversion":"1.0","id":"1","source":"s","data_base64":"eyJtb2RlbElkIjoibSIsInZlcnNpb24iOiIxLjAifQ=="}"#,
            "application/cloudevents+json"
        ),
    ]

    @Test func survivesMutatedBodies() {
        var random = SeededGenerator(seed: 7)
        var accepted = 0
        var refused = 0
        for index in 0..<10_000 {
            let seed = Self.seeds[index % Self.seeds.count]
            let body = random.mutated(Array(seed.body.utf8))
            let message = IncomingMessage(body: body, contentType: seed.contentType, messageID: "m")
            switch CommandParser.parse(message) {
            case .success(let command):
                accepted += 1
                check(command)
            case .failure(let invalid):
                refused += 1
                check(invalid)
            }
        }
        #expect(accepted > 300)
        #expect(refused > 3000)
    }

    @Test func survivesRandomBytes() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<2000 {
            let body = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
            }
            guard case .failure(let invalid) = CommandParser.parse(IncomingMessage(body: body)) else {
                Issue.record("accepted \(body)")
                continue
            }
            check(invalid)
        }
    }

    private func check(_ accepted: AcceptedCommand) {
        let command = accepted.command
        for id in [command.commandID, command.tenant, command.modelID, command.version, command.format] {
            #expect(IdentifierRules.isValid(id))
        }
        #expect(command.metadata.count <= 32)
        #expect(command.metadata.keys.allSatisfy(IdentifierRules.isValid))
        #expect(accepted.fingerprint.utf8.count == 64)
    }

    private func check(_ invalid: InvalidCommand) {
        #expect(invalid.failure.code == .invalidCommand)
        #expect(!invalid.failure.message.isEmpty)
        #expect(invalid.failure.message.utf8.count <= 1024)
        #expect(!invalid.failure.message.unicodeScalars.contains(where: RemoteText.isUnsafe))
        for id in [invalid.commandID, invalid.tenant, invalid.modelID, invalid.version, invalid.format] {
            #expect(id.map(IdentifierRules.isValid) != false)
        }
    }
}
