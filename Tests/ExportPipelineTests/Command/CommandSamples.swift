// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline

/// Command bodies that several tests use, and short ways to parse them.
enum CommandSamples {
    struct Unexpected: Error {}

    static func message(
        _ body: String, contentType: String? = "application/json", messageID: String? = nil,
        headers: [String: String] = [:]
    ) -> IncomingMessage {
        IncomingMessage(body: Array(body.utf8), contentType: contentType, messageID: messageID, headers: headers)
    }

    static func accepted(_ message: IncomingMessage) throws -> AcceptedCommand {
        try CommandParser.parse(message).get()
    }

    static func accepted(_ body: String) throws -> AcceptedCommand { try accepted(message(body)) }

    static func invalid(_ message: IncomingMessage) throws -> InvalidCommand {
        guard case .failure(let invalid) = CommandParser.parse(message) else { throw Unexpected() }
        return invalid
    }

    static func invalid(_ body: String) throws -> InvalidCommand { try invalid(message(body)) }

    private static let nested = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)

    /// Bodies that are no commands, with what the reason must name. All but the first group are JSON objects that the
    /// published schema refuses as well.
    static let refused: [(String, [String])] = unreadable + refusedByTheSchemaToo

    static let unreadable: [(String, [String])] = [
        ("", ["body", "no JSON value", "byte 0"]),
        ("<html>502 Bad Gateway</html>", ["body", "<", "byte 0"]),
        ("[]", ["body is an array", "must be a JSON object"]),
        ("\"text\"", ["body is a string"]),
        ("null", ["body is null"]),
        ("\u{FEFF}{}", ["byte order mark", "byte 0"]),
        (#"{"modelId":"m","version":"1","x":1e999}"#, ["number", "byte 33"]),
        (#"{"modelId":"m","version":"1","modelId":"n"}"#, ["second member \"modelId\"", "byte 29"]),
        (#"{"modelId":"m","version":"1","x":"\ud800"}"#, ["surrogate", "byte 34"]),
        (#"{"modelId":"m","version":"1","x":"# + nested + "}", ["nesting", "32 levels"]),
        (#"{"modelId":"m","version":"1"} x"#, ["after the end"]),
    ]

    static let refusedByTheSchemaToo: [(String, [String])] = [
        ("{}", ["modelId is missing", "version is missing"]),
        (#"{"modelId":"m"}"#, ["version is missing"]),
        (#"{"modelId":null,"version":"1"}"#, ["modelId is missing"]),
        (#"{"modelId":"m","version":1.4}"#, ["version is the number 1.4", "must be a string"]),
        (#"{"modelId":true,"version":"1"}"#, ["modelId is the boolean true"]),
        (#"{"modelId":["m"],"version":"1"}"#, ["modelId is an array"]),
        (#"{"modelId":{},"version":"1"}"#, ["modelId is an object"]),
        (#"{"modelId":"","version":"1"}"#, ["modelId \"\" is empty"]),
        (#"{"modelId":"../../secrets","version":"1"}"#, ["modelId \"../../secrets\"", "contains /"]),
        (#"{"modelId":"m","version":".."}"#, ["version \"..\" must not be .."]),
        (#"{"modelId":"m","version":"1","tenant":"a\\b"}"#, ["tenant", "contains \\"]),
        (#"{"modelId":"m","version":"1","tenant":" a"}"#, ["tenant", "blank"]),
        (#"{"modelId":"m","version":"1","commandId":"a\u0000b"}"#, ["commandId \"a b\"", "U+0000"]),
        (#"{"modelId":"m","version":"1","commandId":"a\u202eb"}"#, ["commandId", "U+202E"]),
        (#"{"modelId":"m","version":"1","commandId":5}"#, ["commandId is the number 5"]),
        (#"{"modelId":"m","version":"1","format":7}"#, ["format is the number 7"]),
        (#"{"modelId":"m","version":"1","format":"\n"}"#, ["format", "U+000A"]),
        (#"{"modelId":""# + String(repeating: "x", count: 129) + #"","version":"1"}"#, ["modelId", "129", "128"]),
        (#"{"modelId":"m","version":"1","metadata":"x"}"#, ["metadata is a string", "object"]),
        (#"{"modelId":"m","version":"1","metadata":{"k":1}}"#, ["metadata.k is the number 1"]),
        (#"{"modelId":"m","version":"1","metadata":{"a/b":"1"}}"#, ["metadata key \"a/b\"", "contains /"]),
        (#"{"modelId":"m","version":"1","metadata":{"":"1"}}"#, ["metadata key \"\" is empty"]),
        (#"{"modelId":"m","version":"1","metadata":{"k":"a\u0007"}}"#, ["metadata.k", "U+0007"]),
        (#"{"modelId":"m","version":"1","metadata":{"commandId":"1"}}"#, ["\"commandId\" is reserved"]),
        (#"{"modelId":"m","version":"1","metadata":{"runId":"1"}}"#, ["\"runId\" is reserved"]),
        (#"{"modelId":"m","version":"1","metadata":{"exported_by":"1"}}"#, ["\"exported_by\" is reserved"]),
    ]

    /// Bodies that are commands, for the parser and for the published schema.
    static let good: [String] = [
        #"{"modelId":"m","version":"1"}"#,
        #"{"commandId":null,"tenant":null,"modelId":"m","version":"1.0","format":null,"metadata":null}"#,
        #"{"commandId":"c","tenant":"acme","modelId":"m","version":"1","format":"PMML","metadata":{"a":"b","c":null}}"#,
        #"{"modelId":"ein Modell: ä 模型","version":"...","unknown":{"deep":[1,2,{"a":null}]}}"#,
        #"{"modelId":""# + String(repeating: "x", count: 128) + #"","version":"1"}"#,
    ]
}
