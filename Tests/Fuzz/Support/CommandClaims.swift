// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import ExportPipeline

/// What holds for every message, whatever is in it: it becomes a command that obeys the rules, or is refused with a
/// reason that is fit to print, and the same message always ends the same way.
enum CommandClaims {
    static func check(_ message: IncomingMessage, limits: CommandLimits = CommandLimits()) throws {
        let result = CommandParser.parse(message, limits: limits)
        try claim(result == CommandParser.parse(message, limits: limits), "a second reading ends differently")
        switch result {
        case .success(let accepted): try check(accepted)
        case .failure(let invalid): try check(invalid, of: message)
        }
    }

    static func check(_ accepted: AcceptedCommand) throws {
        let command = accepted.command
        for id in [command.commandID, command.tenant, command.modelID, command.version, command.format] {
            try claimID(id)
        }
        try check(metadata: command.metadata)
        try check(keysOf: command)
        try claimDigest(accepted.fingerprint, "the fingerprint")
        try check(accepted.context, token: accepted.messageToken)
        try checkRoundTrip(accepted)
    }

    static func check(_ invalid: InvalidCommand, of message: IncomingMessage) throws {
        let failure = invalid.failure
        try claim(failure.code == .invalidCommand && failure.stage == .receive, "refused as \(failure)")
        try claimPrintable(failure.message, "the reason")
        try claimDigest(invalid.digest, "the digest")
        try claimSame(invalid.digest, CommandParser.digest(of: message), "the digest")
        for id in [invalid.commandID, invalid.tenant, invalid.modelID, invalid.version, invalid.format] {
            if let id { try claimID(id) }
        }
        try claimKey(StateKeys().invalid(digest: invalid.digest))
        try check(invalid.context, token: CommandParser.messageToken(of: message))
        let outcome = Outcome(
            runID: invalid.digest, timestamp: Timestamp(milliseconds: 0), durationSeconds: 0,
            commandID: invalid.commandID, tenant: invalid.tenant, modelID: invalid.modelID, version: invalid.version,
            format: invalid.format, correlationID: invalid.context.correlationID,
            traceparent: invalid.context.traceparent, failure: failure, worker: "host/1", actor: "actor")
        try OutcomeClaims.check(outcome)
    }

    /// The rules of ids, once more and from their description rather than from the code.
    static func claimID(_ id: String) throws {
        let scalars = id.unicodeScalars
        try claim((1...128).contains(scalars.count), "an id of \(scalars.count) characters")
        try claim(PercentEncoding.encode(id).utf8.count <= 200, "an id over 200 bytes once encoded: \(id)")
        try claim(id != "." && id != "..", "an id \(id)")
        try claim(!scalars.contains { $0 == "/" || $0 == "\\" || isHidden($0) }, "an id with \(id.debugDescription)")
        try claim(scalars.first?.properties.isWhitespace == false, "an id that begins with a blank")
        try claim(scalars.last?.properties.isWhitespace == false, "an id that ends with a blank")
    }

    static func claimKey(_ key: String) throws {
        try claim((1...1024).contains(key.utf8.count), "a key of \(key.utf8.count) bytes")
        try claim(key.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x5C }, "the key \(key.debugDescription)")
        let segments = key.split(separator: "/", omittingEmptySubsequences: false)
        try claim(!segments.contains { ["", ".", ".."].contains($0) }, "a key with a nameless segment: \(key)")
    }

    private static func claimDigest(_ text: String, _ what: String) throws {
        let digits = Set("0123456789abcdef".utf8)
        try claim(text.utf8.count == 64 && text.utf8.allSatisfy(digits.contains), "\(what) is \(text)")
    }

    private static func check(metadata: [String: String]) throws {
        try claim(metadata.count <= 32, "\(metadata.count) metadata entries")
        for (key, value) in metadata {
            try claimID(key)
            try claim(!["commandId", "runId", "exported_by"].contains(key), "the reserved metadata key \(key)")
            try claim(value.unicodeScalars.count <= 256, "a metadata value of \(value.unicodeScalars.count)")
            try claim(
                !value.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) },
                "a control character in \(key)")
        }
    }

    private static func check(keysOf command: ExportCommand) throws {
        let state = StateKeys().checkpoint(tenant: command.tenant, commandID: command.commandID)
        try claimKey(state)
        try claim(!state.hasPrefix("state/_"), "a command writes into the worker's own folder: \(state)")
        try claim(state.split(separator: "/").count == 3, "a checkpoint lies deeper than it should: \(state)")
        let template = try ObjectKeyTemplate(ObjectKeyTemplate.standard)
        try claimKey(try template.key(for: command, exportID: command.commandID))
    }

    private static func check(_ context: CallContext, token: String) throws {
        try claim(token.utf8.count <= 255 && !token.unicodeScalars.contains(where: isHidden), "the token \(token)")
        if let id = context.correlationID { try claimPrintable(id, "the correlation id", limit: 255) }
        try claim(context.traceparent == TraceContext.traceparent(context.traceparent), "a traceparent that is none")
        try claim(context.tracestate == nil || context.traceparent != nil, "a tracestate without traceparent")
        try claim(context.tracestate == TraceContext.tracestate(context.tracestate), "a tracestate that is none")
    }

    /// What was read, written as a plain command, is read as the same command.
    private static func checkRoundTrip(_ accepted: AcceptedCommand) throws {
        let command = accepted.command
        var object = JSONObject([
            "commandId": .string(command.commandID), "tenant": .string(command.tenant),
            "modelId": .string(command.modelID), "version": .string(command.version),
            "format": .string(command.format),
        ])
        let entries = command.metadata.map { JSONMember(name: $0.key, value: .string($0.value)) }
        object.set("metadata", .object(JSONObject(distinct: entries)))
        let again = try CommandParser.parse(IncomingMessage(body: JSONWriter.bytes(of: object))).get()
        try claimSame(again.command, command, "the command written and read again")
        try claimSame(again.fingerprint, accepted.fingerprint, "its fingerprint")
        try claim(again.identity == .commandID, "a command with an id is known by \(again.identity)")
    }
}
