// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An order to archive one version of one model.
package struct ExportCommand: Sendable, Hashable {
    /// The identity of the command (see `CommandIdentity` for where it comes from).
    package let commandID: String
    package let tenant: String
    package let modelID: String
    package let version: String
    /// As given (`ONNX` by default); the tenant refuses what it cannot do.
    package let format: String
    package let metadata: [String: String]

    package init(
        commandID: String, tenant: String, modelID: String, version: String, format: String,
        metadata: [String: String] = [:]
    ) {
        self.commandID = commandID
        self.tenant = tenant
        self.modelID = modelID
        self.version = version
        self.format = format
        self.metadata = metadata
    }
}

/// Where a command's identity came from.
package enum IdentitySource: Sendable, Hashable {
    case commandID, cloudEvent, messageID
    /// The message named itself nowhere: it is known by its content, and a fresh copy of a decided one is a new run.
    case fingerprint
}

/// A command that passed every check on its message.
package struct AcceptedCommand: Sendable, Hashable {
    package let command: ExportCommand
    package let identity: IdentitySource
    /// SHA-256 (hexadecimal) over tenant, model, version, format and metadata.
    package let fingerprint: String
    /// Tells a replayed message from a redelivered one: `nlu-replay` header, else `message_id`, else empty.
    package let messageToken: String
    package let context: CallContext

    package init(
        command: ExportCommand, identity: IdentitySource, fingerprint: String, messageToken: String,
        context: CallContext
    ) {
        self.command = command
        self.identity = identity
        self.fingerprint = fingerprint
        self.messageToken = messageToken
        self.context = context
    }
}

/// A message that is no command: why, what could be read of it, and the hash that stands for it.
package struct InvalidCommand: Error, Sendable, Hashable {
    package let failure: Failure
    /// SHA-256 (hexadecimal) of body and message token: the identity of the record of this failure.
    package let digest: String
    package let commandID: String?
    package let tenant: String?
    package let modelID: String?
    package let version: String?
    package let format: String?
    package let context: CallContext

    package init(
        failure: Failure, digest: String, commandID: String? = nil, tenant: String? = nil, modelID: String? = nil,
        version: String? = nil, format: String? = nil, context: CallContext
    ) {
        self.failure = failure
        self.digest = digest
        self.commandID = commandID
        self.tenant = tenant
        self.modelID = modelID
        self.version = version
        self.format = format
        self.context = context
    }
}

/// A message as the domain sees it, whatever brought it.
package struct IncomingMessage: Sendable, Hashable {
    package var body: [UInt8]
    /// The size the message announced, in bytes; larger than `body.count` where the body was dropped as it arrived.
    package var bodySize: Int
    package var contentType: String?
    package var messageID: String?
    package var correlationID: String?
    /// Header values that are text or numbers, as text; other kinds are left out.
    package var headers: [String: String]
    package var isRedelivered: Bool
    /// How often the broker has had this message back (`x-delivery-count`); 0 where it does not say.
    package var deliveryCount: Int

    package init(
        body: [UInt8], bodySize: Int? = nil, contentType: String? = nil, messageID: String? = nil,
        correlationID: String? = nil, headers: [String: String] = [:], isRedelivered: Bool = false,
        deliveryCount: Int = 0
    ) {
        self.body = body
        self.bodySize = bodySize ?? body.count
        self.contentType = contentType
        self.messageID = messageID
        self.correlationID = correlationID
        self.headers = headers
        self.isRedelivered = isRedelivered
        self.deliveryCount = deliveryCount
    }
}
