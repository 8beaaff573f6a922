// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// What of a message is no command, as one sentence.
struct CommandProblem: Error, Hashable {
    let text: String
}

/// The command object inside a message, and what the CloudEvent around it says.
///
/// A structured event (`application/cloudevents+json`) must be whole: specversion 1.0, `id`, `source` and the command
/// in `data` or `data_base64`. A binary one announces itself by headers `ce-*`, as the RabbitMQ bindings in use write
/// them, or `cloudEvents:*` / `cloudEvents_*`, which is what an AMQP 1.0 sender's attributes become on the way; one
/// that lacks `id` or `source` merely has no identity of its own. Other attributes are not looked at.
struct CommandEnvelope {
    let command: JSONObject
    /// The CloudEvent's `source` and `id`, both not empty.
    private(set) var cloudEvent: (source: String, id: String)?
    private(set) var traceparent: String?
    private(set) var tracestate: String?

    private static let headerPrefixes = ["ce-", "cloudEvents:", "cloudEvents_"]

    init(_ message: IncomingMessage) throws(CommandProblem) {
        let mediaType = Self.mediaType(message.contentType)
        // A batch is an array: told before the body is found not to be an object.
        guard mediaType != "application/cloudevents-batch+json" else {
            throw CommandProblem(text: "the content type \(mediaType) is not supported; send one event a message")
        }
        let document = try Self.document(message.body, named: "the body")
        switch mediaType {
        case "application/cloudevents+json":
            try self.init(structured: document)
        default:
            try self.init(command: document, headers: message.headers)
        }
        if let header = message.headers["traceparent"] {
            traceparent = header
            tracestate = message.headers["tracestate"]
        }
    }

    /// A plain command, or one in a binary CloudEvent.
    private init(command: JSONObject, headers: [String: String]) throws(CommandProblem) {
        self.command = command
        func attribute(_ name: String) -> String? {
            Self.headerPrefixes.lazy.compactMap { headers[$0 + name] }.first { !$0.isEmpty }
        }
        if let version = attribute("specversion") { try Self.check(specversion: version) }
        if let source = attribute("source"), let id = attribute("id") { cloudEvent = (source, id) }
        traceparent = attribute("traceparent")
        tracestate = attribute("tracestate")
    }

    private init(structured envelope: JSONObject) throws(CommandProblem) {
        let version = try Self.attribute("specversion", of: envelope)
        try Self.check(specversion: version)
        cloudEvent = (try Self.attribute("source", of: envelope), try Self.attribute("id", of: envelope))
        traceparent = envelope["traceparent"]?.string
        tracestate = envelope["tracestate"]?.string
        command = try Self.data(of: envelope)
    }

    private static func data(of envelope: JSONObject) throws(CommandProblem) -> JSONObject {
        switch (envelope["data"], envelope["data_base64"]) {
        case (.object(let object)?, nil): return object
        case (let value?, nil):
            throw CommandProblem(text: "data of the CloudEvent is \(value.kind); it must be the command, an object")
        case (nil, .string(let text)?):
            guard let bytes = Data(base64Encoded: text) else {
                throw CommandProblem(text: "data_base64 of the CloudEvent is no base64 (RFC 4648 §4, padded)")
            }
            return try document(Array(bytes), named: "data_base64 of the CloudEvent")
        case (nil, let value?):
            throw CommandProblem(text: "data_base64 of the CloudEvent is \(value.kind); it must be a string")
        case (nil, nil):
            throw CommandProblem(text: "the CloudEvent has no data; put the command there, an object")
        case (_?, _?):
            throw CommandProblem(text: "the CloudEvent has both data and data_base64; leave one of them out")
        }
    }

    private static func document(_ bytes: [UInt8], named what: String) throws(CommandProblem) -> JSONObject {
        let value: JSONValue
        do {
            value = try StrictJSON.parse(bytes)
        } catch {
            throw CommandProblem(text: "\(what) is no acceptable JSON: \(error.message)")
        }
        guard let object = value.object else {
            throw CommandProblem(text: "\(what) is \(value.kind); it must be a JSON object")
        }
        return object
    }

    private static func attribute(_ name: String, of envelope: JSONObject) throws(CommandProblem) -> String {
        guard let value = envelope[name] else {
            throw CommandProblem(text: "the CloudEvent has no \(name); CloudEvents 1.0 requires it")
        }
        guard let text = value.string, !text.isEmpty else {
            let found = value.string == nil ? value.kind : "empty"
            throw CommandProblem(
                text: "\(name) of the CloudEvent is \(found); it must be a string of at least 1 character")
        }
        return text
    }

    private static func check(specversion: String) throws(CommandProblem) {
        guard specversion == "1.0" else {
            let found = RemoteText.cleaned(specversion, limit: 32)
            throw CommandProblem(text: "specversion of the CloudEvent is \"\(found)\"; only \"1.0\" is supported")
        }
    }

    /// Type and subtype in lower case, without parameters.
    private static func mediaType(_ contentType: String?) -> String {
        let type = (contentType ?? "").prefix(256).prefix { $0 != ";" }.lowercased()
        return String(type.filter { !$0.isWhitespace })
    }
}
