// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import FoundationEssentials

extension DeadListReport {
    /// `{"queue":…,"ready":…,"letters":[…],"uncertain":…,"more":…,"troubles":[…]}`
    var document: JSONValue {
        .object(
            JSONObject([
                "queue": .string(queue), "ready": .integer(Int(look.queue.messageCount)),
                "letters": .array(letters.map { .object($0.document) }), "uncertain": .integer(uncertain),
                "more": .bool(isCut), "troubles": .array(complaints.map(JSONValue.string)),
            ]))
    }
}

extension JudgedDeadLetter {
    /// What is known about the letter, for scripts.
    var document: JSONObject {
        JSONObject([
            "position": .integer(letter.position),
            "commandId": letter.commandID.map(JSONValue.string), "messageId": letter.messageID.map(JSONValue.string),
            "digest": .string(letter.digest), "tenant": letter.tenant.map(JSONValue.string),
            "modelId": letter.modelID.map(JSONValue.string), "version": letter.version.map(JSONValue.string),
            "format": letter.format.map(JSONValue.string), "when": when.map { .string($0.description) },
            "record": .string(recordName), "reason": .string(reason), "failure": failure.map { .object($0.document) },
            "runId": run.map { .string($0.id) }, "runs": run.map { .integer($0.runs) },
            "attempts": run.map { .integer($0.attempts) }, "remedy": .string(remedy),
            "deaths": .array(letter.deaths.map { .object($0.document) }),
            "bodyBytes": .integer(Int(clamping: letter.bodySize)),
        ])
    }

    private var recordName: String {
        switch record {
        case .failed: "failed"
        case .completed: "completed"
        case .undecided: "undecided"
        case .nothing: "nothing"
        case .unknown: "unknown"
        }
    }
}

extension Failure {
    fileprivate var document: JSONObject {
        JSONObject([
            "code": .string(code.rawValue), "stage": .string(stage.rawValue), "message": .string(message),
            "httpStatus": httpStatus.map(JSONValue.integer),
        ])
    }
}

extension Death {
    fileprivate var document: JSONObject {
        JSONObject([
            "reason": .string(reason), "queue": .string(queue), "exchange": .string(exchange),
            "count": .integer(count), "at": at.map { .string($0.description) },
        ])
    }
}

// MARK: Messages

extension AMQPFieldValue {
    /// The value as JSON; bytes that are no text in base64.
    var json: JSONValue {
        switch self {
        case .bool(let value): .bool(value)
        case .int(let value): .integer(Int(value))
        case .double(let value): .double(value)
        case .decimal(let scale, let value): .string("\(value)e-\(scale)")
        case .string(let text): .string(text)
        case .bytes(let bytes): .object(JSONObject(["base64": .string(Data(bytes).base64EncodedString())]))
        case .timestamp(let seconds): moment.map { .string($0.description) } ?? .string("\(seconds)")
        case .array(let values): .array(values.map(\.json))
        case .table(let table): .object(table.json)
        case .void: .null
        }
    }
}

extension AMQPTable {
    /// The table as JSON; of two entries of one name the last.
    var json: JSONObject {
        var object = JSONObject()
        for entry in entries { object.set(entry.key, entry.value.json) }
        return object
    }
}

extension AMQPProperties {
    /// The properties that are set, without the headers, as AMQP calls them.
    var json: JSONObject {
        JSONObject([
            "content_type": contentType.map(JSONValue.string),
            "content_encoding": contentEncoding.map(JSONValue.string),
            "delivery_mode": deliveryMode.map { .integer(Int($0.rawValue)) },
            "priority": priority.map { .integer(Int($0)) },
            "correlation_id": correlationID.map(JSONValue.string), "reply_to": replyTo.map(JSONValue.string),
            "expiration": expiration.map(JSONValue.string), "message_id": messageID.map(JSONValue.string),
            "timestamp": timestamp.map { AMQPFieldValue.timestamp($0).json },
            "type": type.map(JSONValue.string), "user_id": userID.map(JSONValue.string),
            "app_id": appID.map(JSONValue.string),
        ])
    }
}
