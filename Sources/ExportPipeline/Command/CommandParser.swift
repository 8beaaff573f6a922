// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a command message may be at most.
package struct CommandLimits: Sendable, Hashable {
    /// `amqp.maxCommandBytes`.
    package var maximumBytes: Int

    package init(maximumBytes: Int = 65_536) { self.maximumBytes = maximumBytes }
}

/// Turns a message into a command, or says why it is none.
///
/// A message is a plain JSON command or a CloudEvent 1.0, structured or binary (see `CommandEnvelope`).
package enum CommandParser {
    /// Checks everything that can be checked without asking anybody. Every violation is `invalid_command` at stage
    /// `receive`, and the message names all of them.
    package static func parse(
        _ message: IncomingMessage, limits: CommandLimits = CommandLimits()
    ) -> Result<AcceptedCommand, InvalidCommand> {
        let size = max(message.bodySize, message.body.count)
        guard size <= limits.maximumBytes else {
            let problem =
                "the body has \(size) bytes; amqp.maxCommandBytes allows \(limits.maximumBytes): send a smaller "
                + "command or raise the limit"
            return .failure(invalid(message, problem))
        }
        let envelope: CommandEnvelope
        do {
            envelope = try CommandEnvelope(message)
        } catch {
            return .failure(invalid(message, error.text))
        }
        return accept(envelope, of: message)
    }

    private static func accept(
        _ envelope: CommandEnvelope, of message: IncomingMessage
    ) -> Result<AcceptedCommand, InvalidCommand> {
        let fields = CommandFields(envelope.command)
        guard fields.problems.isEmpty, let tenant = fields.tenant, let modelID = fields.modelID,
            let version = fields.version, let format = fields.format
        else {
            return .failure(invalid(message, fields.problems.joined(separator: "; "), fields, envelope))
        }
        let fingerprint = Fingerprint.of(
            tenant: tenant, modelID: modelID, version: version, format: format, metadata: fields.metadata)
        let (commandID, identity) =
            identity(of: message, fields, envelope) ?? ("fp-\(fingerprint)", IdentitySource.fingerprint)
        let command = ExportCommand(
            commandID: commandID, tenant: tenant, modelID: modelID, version: version, format: format,
            metadata: fields.metadata)
        return .success(
            AcceptedCommand(
                command: command, identity: identity, fingerprint: fingerprint, messageToken: messageToken(of: message),
                context: context(of: message, commandID: commandID, envelope)))
    }

    /// SHA-256 (hexadecimal) of body and message token: what stands for a message that has no run
    /// (`invalid_command`, `command_id_conflict`). Where the body was dropped as it arrived, the size it announced
    /// stands for it.
    package static func digest(of message: IncomingMessage) -> String {
        let isDropped = message.body.isEmpty && message.bodySize > 0
        let body = isDropped ? Array("\(message.bodySize) bytes\n".utf8) : message.body
        return Hexadecimal.string(Hashing.sha256(body, Array(messageToken(of: message).utf8)))
    }

    /// Tells a replayed message from a redelivered one: the `nlu-replay` header, else `message_id`, else empty. One over
    /// 255 bytes, or with hidden characters, is replaced by its hash.
    package static func messageToken(of message: IncomingMessage) -> String {
        let candidates = [message.headers["nlu-replay"], message.messageID]
        guard let token = candidates.lazy.compactMap({ $0 }).first(where: { !$0.isEmpty }) else { return "" }
        let isClean = token.utf8.count <= 255 && !token.unicodeScalars.contains(where: IdentifierRules.isHidden)
        return isClean ? token : "sha256-" + Hashing.sha256Hex(token)
    }
}

extension CommandParser {
    /// How a command is called: by its own `commandId`, else by the CloudEvent around it, else by its `message_id`.
    ///
    /// A CloudEvent's name is `ce-` and SHA-256 of `source`, newline, `id`. A `message_id` that breaks the id rules
    /// becomes `mid-` and its SHA-256. Nil where the message names itself nowhere, or its `commandId` is invalid.
    private static func identity(
        of message: IncomingMessage, _ fields: CommandFields, _ envelope: CommandEnvelope
    ) -> (commandID: String, source: IdentitySource)? {
        if fields.isNamed { return fields.commandID.map { ($0, .commandID) } }
        if let event = envelope.cloudEvent {
            return ("ce-" + Hashing.sha256Hex("\(event.source)\n\(event.id)"), .cloudEvent)
        }
        guard let messageID = message.messageID, !messageID.isEmpty else { return nil }
        let isUsable = IdentifierRules.isValid(messageID)
        return (isUsable ? messageID : "mid-" + Hashing.sha256Hex(messageID), .messageID)
    }

    /// Only fields that are valid as they stand are passed on: a cleaned id could be the name of another command.
    private static func invalid(
        _ message: IncomingMessage, _ problem: String, _ fields: CommandFields? = nil,
        _ envelope: CommandEnvelope? = nil
    ) -> InvalidCommand {
        var commandID: String?
        if let fields, let envelope { commandID = identity(of: message, fields, envelope)?.commandID }
        return InvalidCommand(
            failure: Failure(code: .invalidCommand, stage: .receive, message: problem),
            digest: digest(of: message), commandID: commandID, tenant: fields?.tenant, modelID: fields?.modelID,
            version: fields?.version, format: fields?.format,
            context: context(of: message, commandID: commandID ?? "", envelope))
    }

    private static func context(
        of message: IncomingMessage, commandID: String, _ envelope: CommandEnvelope?
    ) -> CallContext {
        let traceparent = TraceContext.traceparent(envelope?.traceparent ?? message.headers["traceparent"])
        let tracestate = TraceContext.tracestate(envelope?.tracestate ?? message.headers["tracestate"])
        return CallContext(
            commandID: commandID, traceparent: traceparent, tracestate: traceparent == nil ? nil : tracestate,
            correlationID: correlationID(of: message))
    }

    /// The message's correlation id, cleaned and at most 255 bytes, which is what AMQP can carry; nil where nothing is
    /// left of it.
    private static func correlationID(of message: IncomingMessage) -> String? {
        guard let text = message.correlationID else { return nil }
        if text.utf8.count <= 255, IdentifierRules.isValid(text) { return text }
        let cleaned = RemoteText.cleaned(text, limit: 255)
        return cleaned.isEmpty ? nil : cleaned
    }
}
