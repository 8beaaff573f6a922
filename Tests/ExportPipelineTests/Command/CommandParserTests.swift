// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct CommandParserTests {
    @Test func readsAWholeCommand() throws {
        let accepted = try CommandSamples.accepted(
            #"""
            {"commandId": "cmd-1", "tenant": "acme", "modelId": "intent_v2", "version": "1.4.0", "format": "PMML",
             "metadata": {"environment": "production", "nothing": null}, "future": [1, {"x": null}]}
            """#)
        #expect(
            accepted.command
                == ExportCommand(
                    commandID: "cmd-1", tenant: "acme", modelID: "intent_v2", version: "1.4.0", format: "PMML",
                    metadata: ["environment": "production"]))
        #expect(accepted.identity == .commandID)
        #expect(accepted.context.commandID == "cmd-1")
        #expect(accepted.messageToken == "")
    }

    @Test func fillsInDefaultsAndTakesNullForAbsent() throws {
        for body in [
            #"{"modelId":"m","version":"1.0"}"#,
            #"{"commandId":null,"tenant":null,"modelId":"m","version":"1.0","format":null,"metadata":null}"#,
        ] {
            let accepted = try CommandSamples.accepted(body)
            #expect(accepted.command.tenant == "default")
            #expect(accepted.command.format == "ONNX")
            #expect(accepted.command.metadata.isEmpty)
            #expect(accepted.identity == .fingerprint)
            #expect(accepted.command.commandID == "fp-" + accepted.fingerprint)
        }
    }

    @Test(arguments: CommandSamples.refused)
    func refusesAndNamesFieldValueAndLimit(body: String, parts: [String]) throws {
        let invalid = try CommandSamples.invalid(body)
        #expect(invalid.failure.code == .invalidCommand)
        #expect(invalid.failure.stage == .receive)
        for part in parts { #expect(invalid.failure.message.contains(part), "\(invalid.failure.message)") }
        #expect(!invalid.failure.message.unicodeScalars.contains(where: RemoteText.isUnsafe))
        #expect(invalid.failure.message.utf8.count <= 1024)
    }

    @Test func namesEveryViolationAtOnce() throws {
        let message = try CommandSamples.invalid(#"{"commandId":"a/b","modelId":7,"metadata":{"runId":"x","k":1}}"#)
            .failure.message
        for part in [
            "commandId \"a/b\"", "modelId is the number 7", "version is missing", "\"runId\" is reserved", "metadata.k",
        ] {
            #expect(message.contains(part))
        }
    }

    @Test func reportsWhatCouldBeRead() throws {
        let invalid = try CommandSamples.invalid(#"{"commandId":"c1","tenant":"acme","modelId":"m","version":2}"#)
        #expect(invalid.commandID == "c1")
        #expect(invalid.tenant == "acme")
        #expect(invalid.modelID == "m")
        #expect(invalid.version == nil)
        #expect(invalid.format == "ONNX")
        #expect(invalid.context.commandID == "c1")
        var message = CommandSamples.message("{")
        message.messageID = "m-1"
        message.correlationID = "corr"
        let unreadable = try CommandSamples.invalid(message)
        #expect(unreadable.commandID == nil)
        #expect(unreadable.tenant == nil)
        #expect(unreadable.context.correlationID == "corr")
    }

    @Test func neverPassesOnABadIdUnderAnotherCommandsName() throws {
        let invalid = try CommandSamples.invalid(
            CommandSamples.message(#"{"commandId":"c1\u200b","modelId":"m","version":"1"}"#, messageID: "m-1"))
        #expect(invalid.commandID == nil)
        #expect(invalid.context.commandID == "")
    }

    @Test func refusesALargeBodyByEitherSize() throws {
        let limits = CommandLimits(maximumBytes: 40)
        let dropped = IncomingMessage(body: [], bodySize: 1_048_576)
        let failure = CommandParser.parse(dropped, limits: limits)
        guard case .failure(let invalid) = failure else { throw CommandSamples.Unexpected() }
        #expect(invalid.failure.message.contains("1048576 bytes"))
        #expect(invalid.failure.message.contains("allows 40"))
        let padded = #"{"modelId":"m","version":"1"}"# + String(repeating: " ", count: 11)
        #expect(throws: Never.self) { try CommandParser.parse(CommandSamples.message(padded), limits: limits).get() }
        #expect(throws: InvalidCommand.self) {
            try CommandParser.parse(CommandSamples.message(padded + " "), limits: limits).get()
        }
    }

    @Test(arguments: [(32, true), (33, false)])
    func boundsTheNumberOfMetadataEntries(count: Int, isAccepted: Bool) {
        let entries = (1...count).map { "\"k\($0)\":\"v\"" }.joined(separator: ",")
        let body = "{\"modelId\":\"m\",\"version\":\"1\",\"metadata\":{\(entries)}}"
        #expect(((try? CommandSamples.accepted(body)) != nil) == isAccepted)
    }

    @Test func countsMetadataValuesInCharacters() throws {
        func body(_ count: Int) -> String {
            "{\"modelId\":\"m\",\"version\":\"1\",\"metadata\":{\"k\":\"\(String(repeating: "模", count: count))\"}}"
        }
        #expect(throws: Never.self) { try CommandSamples.accepted(body(256)) }
        #expect(try CommandSamples.invalid(body(257)).failure.message.contains("257 characters; the limit is 256"))
    }
}
