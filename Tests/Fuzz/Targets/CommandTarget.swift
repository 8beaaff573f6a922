// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline

extension FuzzTarget {
    /// Fields `content-type`, `message-id`, `correlation-id`, `body-size`; every other one is a header of the message.
    static let command = FuzzTarget(name: "command", summary: "a message as a command: JSON and CloudEvents") { input in
        let text = HeadedText(input)
        var message = IncomingMessage(
            body: text.body, contentType: text["content-type"], messageID: text["message-id"],
            correlationID: text["correlation-id"])
        let properties: Set = ["content-type", "message-id", "correlation-id", "body-size"]
        for field in text.fields where !properties.contains(field.name) { message.headers[field.name] = field.value }
        // A body that was dropped as it arrived leaves only its size.
        if let size = text["body-size"].flatMap({ Int($0) }), size > message.body.count {
            message.bodySize = size
            message.body = []
        }
        try CommandClaims.check(message, limits: CommandLimits(maximumBytes: 4096))
        message.messageID = nil
        try CommandClaims.check(message)
    }

    static let json = FuzzTarget(name: "json", summary: "the strict JSON reader and its writer") { input in
        let value: JSONValue
        do throws(JSONError) {
            value = try StrictJSON.parse(input)
        } catch {
            try claimPrintable(error.message, "the reason", limit: 512)
            try claim((0...input.count).contains(error.offset), "an offset of \(error.offset)")
            return
        }
        let written = JSONWriter.bytes(of: value)
        try claimSame(try StrictJSON.parse(written), value, "what was written")
        try claim(JSONWriter.bytes(of: try StrictJSON.parse(written)) == written, "the canonical form is not stable")
        try claim(Self.depth(of: value) <= 32, "nesting of \(Self.depth(of: value))")
        try Self.checkNumbers(in: value)
    }

    private static func depth(of value: JSONValue) -> Int {
        switch value {
        case .array(let elements): 1 + (elements.map(depth).max() ?? 0)
        case .object(let object): 1 + (object.members.map { depth(of: $0.value) }.max() ?? 0)
        default: 0
        }
    }

    private static func checkNumbers(in value: JSONValue) throws {
        switch value {
        case .array(let elements): try elements.forEach(checkNumbers)
        case .object(let object): try object.members.forEach { try checkNumbers(in: $0.value) }
        case .number(let number):
            try claim(number.double.isFinite, "the number \(number.literal)")
            if let whole = number.int { try claim(Double(whole) == number.double, "\(number.literal) is \(whole)") }
        default: break
        }
    }

    static let trace = FuzzTarget(name: "trace", summary: "traceparent and tracestate") { input in
        let (line, rest) = HeadedText.firstLine(of: input)
        if let parent = TraceContext.traceparent(line) {
            try claim(parent.utf8.count == 55 && parent.hasPrefix("00-"), "the traceparent \(parent)")
            try claimSame(TraceContext.traceparent(parent), parent, "a valid traceparent read again")
            let id = TraceContext.traceID(of: parent) ?? ""
            let digits = Set("0123456789abcdef")
            try claim(id.count == 32 && id.allSatisfy(digits.contains), "the trace id \(id)")
            try claim(id.contains { $0 != "0" }, "a trace id of zeros")
        }
        if let state = TraceContext.tracestate(String(decoding: rest, as: UTF8.self)) {
            try claimPrintable(state, "the tracestate", limit: 512)
        }
    }
}
