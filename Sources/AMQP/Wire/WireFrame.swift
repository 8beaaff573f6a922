// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ

/// The broker's answer to a method of ours.
enum MethodReply: Equatable {
    case queueDeclared(AMQPQueueState)
    case consuming(consumerTag: String)
    case cancelled(consumerTag: String)
    case messageCount(UInt32)
    case getEmpty
    case done(method: UInt32)
}

/// One frame, copied out of librabbitmq's memory.
enum WireFrame: Equatable {
    case content(ContentHead)
    case header(bodySize: UInt64, properties: AMQPProperties)
    case body([UInt8], count: Int)
    case confirm(tag: UInt64, multiple: Bool, accepted: Bool)
    case cancel(consumerTag: String, wantsAnswer: Bool)
    case reply(MethodReply)
    case flow(active: Bool)
    case channelClose(code: Int, text: String)
    case connectionClose(code: Int, text: String)
    case blocked(reason: String)
    case unblocked
    /// A frame this client never asked for.
    case unexpected(String)
}

extension WireFrame {
    /// Copies a frame; the bytes of a body only if they are wanted.
    init(_ frame: amqp_frame_t, keepingBody: Bool) {
        let channel = unsafe frame.channel
        guard channel == 0 || channel == CRMQ_CHANNEL else {
            self = .unexpected("a frame on channel \(channel)")
            return
        }
        switch Int32(unsafe frame.frame_type) {
        case AMQP_FRAME_METHOD where channel == 0:
            self = unsafe WireFrame(connectionMethod: frame.payload.method)
        case AMQP_FRAME_METHOD:
            self = unsafe WireFrame(channelMethod: frame.payload.method)
        case AMQP_FRAME_HEADER where channel != 0:
            self = unsafe WireFrame(header: frame)
        case AMQP_FRAME_BODY where channel != 0:
            let fragment = unsafe frame.payload.body_fragment
            let bytes = unsafe UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len)
            self = .body(keepingBody ? unsafe [UInt8](bytes) : [], count: unsafe fragment.len)
        default:
            self = .unexpected("a frame of type \(unsafe frame.frame_type) on channel \(channel)")
        }
    }

    private init(header frame: amqp_frame_t) {
        let header = unsafe frame.payload.properties
        // The decoded structure is another one for every class.
        guard unsafe header.class_id == UInt16(AMQP_BASIC_CLASS), let decoded = unsafe header.decoded else {
            self = .unexpected("a header frame of class \(unsafe header.class_id)")
            return
        }
        let properties = unsafe decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
        self = .header(bodySize: unsafe header.body_size, properties: unsafe FieldDecoder.properties(properties))
    }

    private init(connectionMethod method: amqp_method_t) {
        let id = unsafe method.id
        guard let decoded = unsafe method.decoded else {
            self = .unexpected("an empty method")
            return
        }
        switch id {
        case AMQP_CONNECTION_CLOSE_METHOD:
            let close = unsafe decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            self = .connectionClose(
                code: Int(unsafe close.reply_code), text: unsafe FieldDecoder.words(close.reply_text))
        case AMQP_CONNECTION_BLOCKED_METHOD:
            let blocked = unsafe decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            self = .blocked(reason: unsafe FieldDecoder.words(blocked.reason))
        case AMQP_CONNECTION_UNBLOCKED_METHOD: self = .unblocked
        case AMQP_CONNECTION_CLOSE_OK_METHOD: self = .reply(.done(method: id))
        default: self = .unexpected("connection method \(id >> 16).\(id & 0xFFFF)")
        }
    }

    private init(channelMethod method: amqp_method_t) {
        let id = unsafe method.id
        guard let decoded = unsafe method.decoded else {
            self = .unexpected("an empty method")
            return
        }
        switch id {
        case AMQP_BASIC_DELIVER_METHOD, AMQP_BASIC_GET_OK_METHOD, AMQP_BASIC_RETURN_METHOD:
            self = .content(unsafe ContentHead(id, decoded))
        case AMQP_BASIC_ACK_METHOD:
            let ack = unsafe decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            self = .confirm(tag: ack.delivery_tag, multiple: ack.multiple != 0, accepted: true)
        case AMQP_BASIC_NACK_METHOD:
            let nack = unsafe decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            self = .confirm(tag: nack.delivery_tag, multiple: nack.multiple != 0, accepted: false)
        case AMQP_BASIC_CANCEL_METHOD:
            let cancel = unsafe decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee
            self = .cancel(
                consumerTag: unsafe FieldDecoder.text(cancel.consumer_tag), wantsAnswer: unsafe cancel.nowait == 0)
        case AMQP_CHANNEL_CLOSE_METHOD:
            let close = unsafe decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            self = .channelClose(code: Int(unsafe close.reply_code), text: unsafe FieldDecoder.words(close.reply_text))
        case AMQP_CHANNEL_FLOW_METHOD:
            self = .flow(active: unsafe decoded.assumingMemoryBound(to: amqp_channel_flow_t.self).pointee.active != 0)
        default: self = unsafe WireFrame.reply(id, decoded)
        }
    }

    private static func reply(_ id: UInt32, _ decoded: UnsafeMutableRawPointer) -> WireFrame {
        switch id {
        case AMQP_QUEUE_DECLARE_OK_METHOD:
            let ok = unsafe decoded.assumingMemoryBound(to: amqp_queue_declare_ok_t.self).pointee
            return .reply(
                .queueDeclared(
                    AMQPQueueState(
                        name: unsafe FieldDecoder.text(ok.queue), messageCount: unsafe ok.message_count,
                        consumerCount: unsafe ok.consumer_count)))
        case AMQP_BASIC_CONSUME_OK_METHOD:
            let ok = unsafe decoded.assumingMemoryBound(to: amqp_basic_consume_ok_t.self).pointee
            return .reply(.consuming(consumerTag: unsafe FieldDecoder.text(ok.consumer_tag)))
        case AMQP_BASIC_CANCEL_OK_METHOD:
            let ok = unsafe decoded.assumingMemoryBound(to: amqp_basic_cancel_ok_t.self).pointee
            return .reply(.cancelled(consumerTag: unsafe FieldDecoder.text(ok.consumer_tag)))
        case AMQP_QUEUE_PURGE_OK_METHOD:
            let ok = unsafe decoded.assumingMemoryBound(to: amqp_queue_purge_ok_t.self).pointee
            return .reply(.messageCount(ok.message_count))
        case AMQP_QUEUE_DELETE_OK_METHOD:
            let ok = unsafe decoded.assumingMemoryBound(to: amqp_queue_delete_ok_t.self).pointee
            return .reply(.messageCount(ok.message_count))
        case AMQP_BASIC_GET_EMPTY_METHOD: return .reply(.getEmpty)
        case AMQP_CHANNEL_OPEN_OK_METHOD, AMQP_CHANNEL_CLOSE_OK_METHOD, AMQP_EXCHANGE_DECLARE_OK_METHOD,
            AMQP_EXCHANGE_DELETE_OK_METHOD, AMQP_QUEUE_BIND_OK_METHOD, AMQP_QUEUE_UNBIND_OK_METHOD,
            AMQP_BASIC_QOS_OK_METHOD, AMQP_CONFIRM_SELECT_OK_METHOD:
            return .reply(.done(method: id))
        default: return .unexpected("method \(id >> 16).\(id & 0xFFFF)")
        }
    }
}

extension ContentHead {
    fileprivate init(_ id: UInt32, _ decoded: UnsafeMutableRawPointer) {
        switch id {
        case AMQP_BASIC_DELIVER_METHOD:
            let deliver = unsafe decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            self = .delivery(
                consumerTag: unsafe FieldDecoder.text(deliver.consumer_tag),
                deliveryTag: unsafe deliver.delivery_tag, isRedelivered: unsafe deliver.redelivered != 0,
                exchange: unsafe FieldDecoder.text(deliver.exchange),
                routingKey: unsafe FieldDecoder.text(deliver.routing_key))
        case AMQP_BASIC_GET_OK_METHOD:
            let got = unsafe decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee
            self = .got(
                deliveryTag: unsafe got.delivery_tag, isRedelivered: unsafe got.redelivered != 0,
                exchange: unsafe FieldDecoder.text(got.exchange),
                routingKey: unsafe FieldDecoder.text(got.routing_key), messageCount: unsafe got.message_count)
        default:
            let returned = unsafe decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            self = .returned(
                replyCode: Int(unsafe returned.reply_code), replyText: unsafe FieldDecoder.words(returned.reply_text),
                exchange: unsafe FieldDecoder.text(returned.exchange),
                routingKey: unsafe FieldDecoder.text(returned.routing_key))
        }
    }
}
