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
    /// `receive`.
    package static func parse(
        _ message: IncomingMessage, limits: CommandLimits = CommandLimits()
    ) -> Result<AcceptedCommand, InvalidCommand> {
        fatalError()
    }

    /// SHA-256 (hexadecimal) of body and message token: what stands for a message that has no run
    /// (`invalid_command`, `command_id_conflict`).
    package static func digest(of message: IncomingMessage) -> String {
        fatalError()
    }

    /// Tells a replayed message from a redelivered one: the `nlu-replay` header, else `message_id`, else empty.
    package static func messageToken(of message: IncomingMessage) -> String {
        fatalError()
    }
}
