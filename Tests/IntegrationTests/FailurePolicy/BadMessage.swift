// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import ExportPipeline
import Foundation

/// A message that is no command, and what its refusal must say.
struct BadMessage: Sendable {
    let name: String
    let body: [UInt8]
    let properties: AMQPProperties
    /// Texts that the refusal must hold: the field, and the limit where there is one.
    let says: [String]

    init(_ name: String, _ body: [UInt8], says: [String], contentType: String = "application/json") {
        let id = UUID().uuidString
        self.name = name
        self.body = body
        self.says = says
        properties = AMQPProperties(
            contentType: contentType, deliveryMode: .persistent, correlationID: "correlation-\(id)", messageID: id)
    }

    init(_ name: String, _ body: String, says: [String], contentType: String = "application/json") {
        self.init(name, Array(body.utf8), says: says, contentType: contentType)
    }

    /// A command with these members beside a model and a version.
    init(_ name: String, with members: String, says: [String]) {
        self.init(name, #"{"modelId":"m","version":"1.0.0",\#(members)}"#, says: says)
    }

    /// What the worker knows the message by; of one that was too large it has the size alone.
    var digest: String {
        let isDropped = body.count > 65_536
        return CommandParser.digest(
            of: IncomingMessage(
                body: isDropped ? [] : body, bodySize: body.count, messageID: properties.messageID))
    }

    var eventID: String { ExportEvent.id(.failed, runID: digest) }
}

extension BadMessage {
    static var all: [BadMessage] { documents + fields + metadata + cloudEvents }

    private static var documents: [BadMessage] {
        let depth = 40
        return [
            BadMessage("empty", "", says: ["JSON"]),
            BadMessage("no JSON", "model=x", says: ["JSON"]),
            BadMessage("cut off", #"{"modelId":"m","#, says: ["JSON"]),
            BadMessage("an array", "[]", says: ["array", "object"]),
            BadMessage("a string", #""command""#, says: ["string", "object"]),
            BadMessage(
                "1 MiB", Array(repeating: UInt8(ascii: " "), count: 1 << 20),
                says: ["1048576", "65536", "amqp.maxCommandBytes"]),
            BadMessage(
                "one byte too many", Array(repeating: UInt8(ascii: " "), count: 65_537), says: ["65537", "65536"]),
            BadMessage(
                "deep", with: #""x":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth),
                says: ["32"]),
            BadMessage("a key twice", with: #""version":"2.0.0""#, says: ["version"]),
            BadMessage(
                "a byte order mark", [0xEF, 0xBB, 0xBF] + Array(#"{"modelId":"m","version":"1"}"#.utf8),
                says: ["byte order mark"]),
            BadMessage(
                "no UTF-8", Array(#"{"modelId":"m"#.utf8) + [0xFF] + Array(#"","version":"1"}"#.utf8), says: ["UTF-8"]),
            BadMessage("not a number", with: #""x":1e999"#, says: ["number too large"]),
        ]
    }

    private static var fields: [BadMessage] {
        let long = String(repeating: "a", count: 129)
        return [
            BadMessage("no model", #"{"version":"1.0.0"}"#, says: ["modelId is missing"]),
            BadMessage("no version", #"{"modelId":"m"}"#, says: ["version is missing"]),
            BadMessage("nothing", "{}", says: ["modelId is missing", "version is missing"]),
            BadMessage("null", #"{"modelId":null,"version":"1"}"#, says: ["modelId is missing"]),
            BadMessage("a number", #"{"modelId":7,"version":"1"}"#, says: ["modelId", "number 7", "string"]),
            BadMessage("an object", #"{"modelId":"m","version":{}}"#, says: ["version", "object", "string"]),
            BadMessage("tenant a boolean", with: #""tenant":true"#, says: ["tenant", "boolean", "string"]),
            BadMessage("format a list", with: #""format":["ONNX"]"#, says: ["format", "array", "string"]),
            BadMessage("empty model", #"{"modelId":"","version":"1"}"#, says: ["modelId", "empty", "128"]),
            BadMessage("long", #"{"modelId":"\#(long)","version":"1"}"#, says: ["modelId", "129", "128"]),
            BadMessage("up", #"{"modelId":"../../etc/passwd","version":"1"}"#, says: ["modelId", "contains /"]),
            BadMessage("dots", #"{"modelId":"..","version":"."}"#, says: ["modelId", "must not be ..", "version"]),
            BadMessage("backslash", #"{"modelId":"a\\b","version":"1"}"#, says: ["modelId", "contains \\"]),
            BadMessage("bell", #"{"modelId":"a\u0007b","version":"1"}"#, says: ["modelId", "U+0007"]),
            BadMessage("line end", #"{"modelId":"a\r\nX-Injected: 1","version":"1"}"#, says: ["modelId", "U+000D"]),
            BadMessage("right to left", #"{"modelId":"a\u202Eb","version":"1"}"#, says: ["modelId", "U+202E"]),
            BadMessage("zero", #"{"modelId":"a\u0000b","version":"1"}"#, says: ["modelId", "U+0000"]),
            BadMessage("blank", #"{"modelId":" m","version":"1"}"#, says: ["modelId", "blank"]),
            BadMessage("command id up", with: #""commandId":"../other""#, says: ["commandId", "contains /"]),
            BadMessage("command id a number", with: #""commandId":12"#, says: ["commandId", "number 12"]),
            BadMessage("tenant up", with: #""tenant":"..""#, says: ["tenant", "must not be .."]),
        ]
    }

    private static var metadata: [BadMessage] {
        let many = (0..<33).map { #""k\#($0)":"v""# }.joined(separator: ",")
        let long = String(repeating: "v", count: 257)
        return [
            BadMessage("metadata text", with: #""metadata":"production""#, says: ["metadata", "string", "object"]),
            BadMessage(
                "metadata number", with: #""metadata":{"count":3}"#, says: ["metadata.count", "number 3", "string"]),
            BadMessage("metadata many", with: #""metadata":{\#(many)}"#, says: ["metadata", "33", "32"]),
            BadMessage("metadata long", with: #""metadata":{"k":"\#(long)"}"#, says: ["metadata.k", "257", "256"]),
            BadMessage("metadata control", with: #""metadata":{"k":"a\nb"}"#, says: ["metadata.k", "U+000A"]),
            BadMessage("metadata reserved", with: #""metadata":{"runId":"x"}"#, says: ["runId", "reserved"]),
            BadMessage("metadata key", with: #""metadata":{"a/b":"x"}"#, says: ["metadata key", "contains /"]),
        ]
    }

    private static var cloudEvents: [BadMessage] {
        let structured = "application/cloudevents+json"
        return [
            BadMessage(
                "event without data", #"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#, says: ["data"],
                contentType: structured),
            BadMessage(
                "event without id", #"{"specversion":"1.0","source":"s","data":{}}"#, says: ["id"],
                contentType: structured),
            BadMessage(
                "event of the future", #"{"specversion":"2.0","id":"1","source":"s","data":{}}"#,
                says: ["specversion", "1.0"], contentType: structured),
            BadMessage(
                "event with bad data", #"{"specversion":"1.0","id":"1","source":"s","data":{"modelId":"m"}}"#,
                says: ["version is missing"], contentType: structured),
            BadMessage("batch", "[]", says: ["batch"], contentType: "application/cloudevents-batch+json"),
        ]
    }
}
