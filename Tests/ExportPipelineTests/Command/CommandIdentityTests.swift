// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct CommandIdentityTests {
    private static let body = #"{"modelId":"m","version":"1.0"}"#
    private static let named = #"{"commandId":"c1","modelId":"m","version":"1.0"}"#

    @Test func prefersTheCommandsOwnNameThenTheEventsThenTheMessages() throws {
        let event = ["ce-specversion": "1.0", "ce-id": "42", "ce-source": "/orders"]
        let own = try CommandSamples.accepted(CommandSamples.message(Self.named, messageID: "m-1", headers: event))
        #expect(own.command.commandID == "c1")
        #expect(own.identity == .commandID)
        let fromEvent = try CommandSamples.accepted(CommandSamples.message(Self.body, messageID: "m-1", headers: event))
        #expect(fromEvent.command.commandID == "ce-" + Hashing.sha256Hex("/orders\n42"))
        #expect(fromEvent.identity == .cloudEvent)
        let fromMessage = try CommandSamples.accepted(CommandSamples.message(Self.body, messageID: "m-1"))
        #expect(fromMessage.command.commandID == "m-1")
        #expect(fromMessage.identity == .messageID)
        let nameless = try CommandSamples.accepted(CommandSamples.message(Self.body, messageID: ""))
        #expect(nameless.command.commandID == "fp-" + nameless.fingerprint)
        #expect(nameless.identity == .fingerprint)
        for accepted in [own, fromEvent, fromMessage, nameless] {
            #expect(IdentifierRules.isValid(accepted.command.commandID))
            #expect(accepted.fingerprint == own.fingerprint)
        }
    }

    @Test(arguments: ["a/b", "..", "a\u{200B}", String(repeating: "x", count: 200), " a"])
    func hashesAMessageIdThatIsNoId(messageID: String) throws {
        let accepted = try CommandSamples.accepted(CommandSamples.message(Self.body, messageID: messageID))
        #expect(accepted.command.commandID == "mid-" + Hashing.sha256Hex(messageID))
        #expect(accepted.identity == .messageID)
    }

    @Test(arguments: ["ce-", "cloudEvents:", "cloudEvents_"])
    func readsBinaryCloudEvents(prefix: String) throws {
        let headers = [prefix + "specversion": "1.0", prefix + "id": "42", prefix + "source": "/orders"]
        let accepted = try CommandSamples.accepted(CommandSamples.message(Self.body, headers: headers))
        #expect(accepted.command.commandID == "ce-" + Hashing.sha256Hex("/orders\n42"))
    }

    @Test(arguments: [
        "application/cloudevents+json", "application/cloudevents+json; charset=UTF-8",
        "Application/CloudEvents+JSON ;x=y",
    ])
    func readsStructuredCloudEvents(contentType: String) throws {
        let payloads = [#""data":\#(Self.body)"#, #""data_base64":"eyJtb2RlbElkIjoibSIsInZlcnNpb24iOiIxLjAifQ==""#]
        for payload in payloads {
            let body = #"{"specversion":"1.0","id":"42","source":"/orders","type":"trained",\#(payload)}"#
            let accepted = try CommandSamples.accepted(CommandSamples.message(body, contentType: contentType))
            #expect(accepted.command.commandID == "ce-" + Hashing.sha256Hex("/orders\n42"))
            #expect(accepted.command.modelID == "m")
        }
    }

    @Test(arguments: [
        (#"{"specversion":"1.0","id":"1","source":"s"}"#, "has no data"),
        (#"{"specversion":"1.0","id":"1","source":"s","data":"x"}"#, "data of the CloudEvent is a string"),
        (#"{"specversion":"1.0","id":"1","source":"s","data":{},"data_base64":""}"#, "both data and data_base64"),
        (#"{"specversion":"1.0","id":"1","source":"s","data_base64":"%%"}"#, "no base64"),
        (#"{"specversion":"1.0","id":"1","source":"s","data_base64":7}"#, "data_base64 of the CloudEvent is a number"),
        (#"{"specversion":"1.0","id":"1","source":"s","data_base64":"W10="}"#, "is an array"),
        (#"{"specversion":"0.3","id":"1","source":"s","data":{}}"#, "\"0.3\""),
        (#"{"id":"1","source":"s","data":{}}"#, "no specversion"),
        (#"{"specversion":"1.0","source":"s","data":{}}"#, "no id"),
        (#"{"specversion":"1.0","id":7,"source":"s","data":{}}"#, "id of the CloudEvent is a number"),
        (#"{"specversion":"1.0","id":"1","source":"","data":{}}"#, "source of the CloudEvent is empty"),
        (#"{"specversion":"1.0","id":"1","source":"s","data":{}}"#, "modelId is missing"),
    ])
    func refusesBrokenStructuredEvents(body: String, part: String) throws {
        let message = CommandSamples.message(body, contentType: "application/cloudevents+json")
        let invalid = try CommandSamples.invalid(message)
        #expect(invalid.failure.message.contains(part), "\(invalid.failure.message)")
    }

    @Test func refusesBatchesAndOtherVersions() throws {
        for body in ["[]", "[\(Self.body)]", Self.body] {
            let batch = CommandSamples.message(body, contentType: "application/cloudevents-batch+json")
            #expect(try CommandSamples.invalid(batch).failure.message.contains("one event a message"))
        }
        let old = CommandSamples.message(Self.body, headers: ["ce-specversion": "0.3", "ce-id": "1", "ce-source": "s"])
        #expect(try CommandSamples.invalid(old).failure.message.contains("specversion"))
    }

    @Test func takesTheReplayHeaderForATokenFirst() {
        func token(_ messageID: String?, _ replay: String?) -> String {
            var message = CommandSamples.message(Self.body, messageID: messageID)
            message.headers["nlu-replay"] = replay
            return CommandParser.messageToken(of: message)
        }
        #expect(token(nil, nil) == "")
        #expect(token("m-1", nil) == "m-1")
        #expect(token("m-1", "") == "m-1")
        #expect(token("m-1", "r-1") == "r-1")
        let long = String(repeating: "r", count: 256)
        #expect(token(nil, long) == "sha256-" + Hashing.sha256Hex(long))
        #expect(token(nil, "a\nb") == "sha256-" + Hashing.sha256Hex("a\nb"))
    }

    @Test func digestsBodyAndToken() throws {
        let message = CommandSamples.message("{}", messageID: "tok")
        #expect(CommandParser.digest(of: message) == Hashing.sha256Hex("{}tok"))
        #expect(try CommandSamples.invalid(message).digest == Hashing.sha256Hex("{}tok"))
        let dropped = [70_000, 80_000].map { CommandParser.digest(of: IncomingMessage(body: [], bodySize: $0)) }
        #expect(dropped[0] != dropped[1])
    }

    @Test func carriesTraceAndCorrelation() throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        var message = CommandSamples.message(
            Self.named, headers: ["traceparent": parent, "tracestate": "a=1", "ce-traceparent": "garbage"])
        message.correlationID = "order 7\u{202E}" + String(repeating: "x", count: 300)
        let context = try CommandSamples.accepted(message).context
        #expect(context.traceparent == parent)
        #expect(context.tracestate == "a=1")
        let correlation = try #require(context.correlationID)
        #expect(correlation.hasPrefix("order 7 xxx"))
        #expect(correlation.utf8.count <= 255)
        message.headers = ["ce-specversion": "1.0", "ce-traceparent": parent]
        message.correlationID = "\u{200B}"
        let extended = try CommandSamples.accepted(message).context
        #expect(extended.traceparent == parent)
        #expect(extended.correlationID == nil)
        message.headers = ["traceparent": "00-0-0-0", "tracestate": "a=1"]
        let dropped = try CommandSamples.accepted(message).context
        #expect(dropped.traceparent == nil)
        #expect(dropped.tracestate == nil)
    }
}
