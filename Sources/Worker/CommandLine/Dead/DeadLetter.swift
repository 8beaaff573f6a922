// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline

/// A message of the dead-letter queue and what it says about itself.
struct DeadLetter: Sendable, Hashable {
    /// What a worker makes of the message.
    enum Subject: Sendable, Hashable {
        case command(AcceptedCommand)
        case invalid(InvalidCommand)
    }

    /// Its place in the queue, counted from 1.
    let position: Int
    let subject: Subject
    /// SHA-256 of body and message token, under which a message without a run is recorded.
    let digest: String
    /// Nil where the message has none or an empty one, which nobody could name.
    let messageID: String?
    /// How the broker came to dead-letter it, the last time first.
    let deaths: [Death]
    let bodySize: UInt64

    /// - Parameter maximumBytes: `amqp.maxCommandBytes`; a worker never sees the body of a longer message.
    init(position: Int, _ delivery: AMQPDelivery, maximumBytes: Int) {
        self.position = position
        messageID = delivery.properties.messageID.flatMap { $0.isEmpty ? nil : $0 }
        deaths = Death.all(in: delivery.properties.headers)
        bodySize = delivery.bodySize
        var message = IncomingMessage(delivery)
        if message.bodySize > maximumBytes { message.body = [] }
        digest = CommandParser.digest(of: message)
        subject =
            switch CommandParser.parse(message, limits: CommandLimits(maximumBytes: maximumBytes)) {
            case .success(let accepted): .command(accepted)
            case .failure(let invalid): .invalid(invalid)
            }
    }

    var command: ExportCommand? { if case .command(let accepted) = subject { accepted.command } else { nil } }
    private var invalid: InvalidCommand? { if case .invalid(let invalid) = subject { invalid } else { nil } }

    var commandID: String? { command?.commandID ?? invalid?.commandID }
    var tenant: String? { command?.tenant ?? invalid?.tenant }
    var modelID: String? { command?.modelID ?? invalid?.modelID }
    var version: String? { command?.version ?? invalid?.version }
    var format: String? { command?.format ?? invalid?.format }

    /// What people call it: its command, else its message id, else the beginning of the hash that stands for it.
    var name: String { commandID ?? messageID ?? String(digest.prefix(Self.shortHash)) }

    private static let shortHash = 12

    func isCalled(_ id: String) -> Bool {
        commandID == id || messageID == id || (id.utf8.count >= Self.shortHash && digest.hasPrefix(id))
    }
}

/// One way a message was dead-lettered, from its `x-death` header.
struct Death: Sendable, Hashable {
    /// `rejected`, `delivery_limit`, `expired` or `maxlen`.
    let reason: String
    let queue: String
    let exchange: String
    let count: Int
    /// The first time it died there in this way, to the second.
    let at: Timestamp?

    /// As many as are looked at: a header may hold anything.
    private static let maximumCount = 32

    static func all(in headers: AMQPTable) -> [Death] {
        guard case .array(let entries)? = headers["x-death"] else { return [] }
        return entries.prefix(maximumCount).compactMap { entry in
            guard case .table(let table) = entry, let reason = table["reason"]?.stringValue else { return nil }
            return Death(
                reason: reason, queue: table["queue"]?.stringValue ?? "?",
                exchange: table["exchange"]?.stringValue ?? "",
                count: Int(clamping: table["count"]?.intValue ?? 1), at: table["time"]?.moment)
        }
    }
}

extension AMQPFieldValue {
    /// The moment of a `.timestamp` that a person may live to see.
    var moment: Timestamp? {
        guard case .timestamp(let seconds) = self, seconds < 253_402_300_800 else { return nil }
        return Timestamp(milliseconds: Int64(seconds) * 1000)
    }
}
