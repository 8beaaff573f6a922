// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The method frame that announces a content.
enum ContentHead: Equatable {
    case delivery(consumerTag: String, deliveryTag: UInt64, isRedelivered: Bool, exchange: String, routingKey: String)
    case got(deliveryTag: UInt64, isRedelivered: Bool, exchange: String, routingKey: String, messageCount: UInt32)
    case returned(replyCode: Int, replyText: String, exchange: String, routingKey: String)

    /// Nobody looks at the body of a returned message: its publisher has it.
    fileprivate var wantsBody: Bool {
        if case .returned = self { false } else { true }
    }
}

/// A whole content: head, header frame and body frames.
struct Content: Equatable {
    var head: ContentHead
    var properties: AMQPProperties
    var body: [UInt8]
    var bodySize: UInt64
    var isOversized: Bool
}

/// Puts contents together from their frames, and drops bodies that are too large as they arrive.
///
/// On one channel the frames of a content follow each other without anything between; whatever else comes is a
/// violation of the protocol, and the connection is not to be trusted any more.
struct FrameAssembler {
    private enum State {
        case idle
        case announced(ContentHead)
        case body(Content, received: UInt64)
    }

    private let maximumBodyBytes: Int
    private var state = State.idle

    init(maximumBodyBytes: Int) {
        self.maximumBodyBytes = maximumBodyBytes
    }

    /// Whether a content has begun and not ended.
    var isIdle: Bool {
        if case .idle = state { true } else { false }
    }

    /// Whether the bytes of the next body frame are kept; if not they need not even be copied.
    var keepsBody: Bool {
        if case .body(let content, _) = state { content.head.wantsBody && !content.isOversized } else { false }
    }

    /// A deliver, return or get-ok method came.
    mutating func begin(_ head: ContentHead) throws(AMQPError) {
        guard isIdle else { throw violation("a new content began before the last one was complete") }
        state = .announced(head)
    }

    /// A header frame came; returns the content when it has no body.
    mutating func header(bodySize: UInt64, properties: AMQPProperties) throws(AMQPError) -> Content? {
        guard case .announced(let head) = state else { throw violation("a header frame came without its method") }
        let isOversized = bodySize > UInt64(maximumBodyBytes)
        var content = Content(
            head: head, properties: properties, body: [], bodySize: bodySize, isOversized: isOversized)
        guard bodySize > 0 else {
            state = .idle
            return content
        }
        if head.wantsBody, !isOversized { content.body.reserveCapacity(Int(bodySize)) }
        state = .body(content, received: 0)
        return nil
    }

    /// A body frame of `count` bytes came; `bytes` is empty when `keepsBody` was false.
    mutating func body(_ bytes: [UInt8], count: Int) throws(AMQPError) -> Content? {
        guard case .body(var content, var received) = state else {
            throw violation("a body frame came without its header")
        }
        received += UInt64(count)
        guard received <= content.bodySize else { throw violation("a body is longer than announced") }
        state = .idle  // gives up the reference, so that appending does not copy
        if content.head.wantsBody, !content.isOversized { content.body.append(contentsOf: bytes) }
        if received == content.bodySize { return content }
        state = .body(content, received: received)
        return nil
    }

    private func violation(_ what: String) -> AMQPError {
        AMQPError(.protocolViolation, "The broker broke the protocol: \(what). The connection is dropped.")
    }
}
