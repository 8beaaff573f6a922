// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// A message in a queue of the broker, as one identity from its publishing to its end.
final class Message: @unchecked Sendable {
    enum State: Hashable {
        case ready
        case lent
        case acknowledged
        case dead
    }

    let number: Int
    /// The command of the scenario that it carries.
    let command: Int
    let queue: Int
    let variant: Int
    private let body: [UInt8]
    private let messageID: String?
    let replay: String?
    let publishedAt: Instant
    var state = State.ready
    /// How often the broker had it back.
    var returns = 0

    init(
        number: Int, command: Int, copy: Scenario.Copy, of plan: Scenario.Command, replay: String?, publishedAt: Instant
    ) {
        queue = plan.queue
        self.publishedAt = publishedAt
        self.number = number
        self.command = command
        self.replay = replay
        variant = copy.variant
        messageID = copy.messageID
        body = Self.body(plan, copy)
    }

    private static func body(_ plan: Scenario.Command, _ copy: Scenario.Copy) -> [UInt8] {
        if plan.ending == .invalid { return Array(#"{"commandId":"\#(plan.id)","modelId":17}"#.utf8) }
        // Without a message id the command names itself, unless the whole command is to be nameless.
        let name = plan.isNameless ? "" : #""commandId":"\#(plan.id)","#
        let tenant = Server.tenantName(plan.tenant)
        let version = copy.variant == 0 ? "1" : "2"
        return Array(#"{\#(name)"tenant":"\#(tenant)","modelId":"\#(plan.id)","version":"\#(version)"}"#.utf8)
    }

    /// As it is delivered now.
    var incoming: IncomingMessage {
        IncomingMessage(
            body: body, messageID: messageID, headers: replay.map { ["nlu-replay": $0] } ?? [:],
            isRedelivered: returns > 0, deliveryCount: returns)
    }
}

extension Scenario.Command {
    /// Whether none of its messages says which command it is.
    var isNameless: Bool { copies.allSatisfy { $0.messageID == nil } && copies.count > 1 && ending != .invalid }
}
