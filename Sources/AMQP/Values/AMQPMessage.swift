// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The properties of a message (AMQP 0-9-1 basic class).
package struct AMQPProperties: Sendable, Hashable {
    /// Whether the broker keeps the message over a restart.
    package enum DeliveryMode: UInt8, Sendable, Hashable {
        case transient = 1
        case persistent = 2
    }

    package var contentType: String?
    package var contentEncoding: String?
    package var headers: AMQPTable
    package var deliveryMode: DeliveryMode?
    package var priority: UInt8?
    package var correlationID: String?
    package var replyTo: String?
    /// Milliseconds as text, as AMQP has it.
    package var expiration: String?
    package var messageID: String?
    /// Seconds since 1970.
    package var timestamp: UInt64?
    package var type: String?
    package var userID: String?
    package var appID: String?

    package init(
        contentType: String? = nil, contentEncoding: String? = nil, headers: AMQPTable = AMQPTable(),
        deliveryMode: DeliveryMode? = nil, priority: UInt8? = nil, correlationID: String? = nil,
        replyTo: String? = nil, expiration: String? = nil, messageID: String? = nil, timestamp: UInt64? = nil,
        type: String? = nil, userID: String? = nil, appID: String? = nil
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.headers = headers
        self.deliveryMode = deliveryMode
        self.priority = priority
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.expiration = expiration
        self.messageID = messageID
        self.timestamp = timestamp
        self.type = type
        self.userID = userID
        self.appID = appID
    }

    /// The short strings with their AMQP names.
    var shortStrings: [(name: String, value: String?)] {
        [
            ("content_type", contentType), ("content_encoding", contentEncoding), ("correlation_id", correlationID),
            ("reply_to", replyTo), ("expiration", expiration), ("message_id", messageID), ("type", type),
            ("user_id", userID), ("app_id", appID),
        ]
    }

    /// Bytes of the headers frame's property list, flags included.
    var encodedSize: Int {
        var size = 2 + shortStrings.reduce(0) { $0 + ($1.value.map { 1 + $0.utf8.count } ?? 0) }
        if !headers.isEmpty { size += headers.encodedSize }
        if deliveryMode != nil { size += 1 }
        if priority != nil { size += 1 }
        if timestamp != nil { size += 8 }
        return size
    }
}

/// A message to publish.
package struct AMQPMessage: Sendable, Hashable {
    /// The exchange; empty for the default exchange, which routes to the queue named by the routing key.
    package var exchange: String
    package var routingKey: String
    /// Give every message a `messageID`: it is what matches a returned message to its publish.
    package var properties: AMQPProperties
    package var body: [UInt8]
    /// Whether the broker is to return the message when no queue takes it.
    package var isMandatory: Bool

    package init(
        exchange: String, routingKey: String, properties: AMQPProperties, body: [UInt8], isMandatory: Bool = true
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.properties = properties
        self.body = body
        self.isMandatory = isMandatory
    }

    /// Why the message cannot be sent at all, nil when it can.
    func problem(frameMax: Int, maximumBodyBytes: Int) -> AMQPError? {
        func refuse(_ what: String) -> AMQPError {
            AMQPError(
                .invalidMessage, "Message \(properties.messageID ?? "without id") for exchange '\(exchange)': \(what).",
                isRetriable: false)
        }
        for (name, value) in properties.shortStrings + [("exchange", exchange), ("routing_key", routingKey)] {
            if let value, value.utf8.count > 255 {
                return refuse("\(name) has \(value.utf8.count) bytes, AMQP allows 255")
            }
        }
        if let key = properties.headers.overlongKey {
            return refuse("header key '\(key.prefix(32))…' is longer than AMQP's 255 bytes")
        }
        // A headers frame is 7 bytes of frame head, 12 of content head, the properties, 1 of frame end.
        if properties.encodedSize + 20 > frameMax {
            return refuse(
                "its properties take \(properties.encodedSize) bytes, the broker's frames hold \(frameMax - 20); "
                    + "shorten the headers")
        }
        if body.count > maximumBodyBytes {
            return refuse("its body has \(body.count) bytes, the limit is \(maximumBodyBytes)")
        }
        return nil
    }
}

/// How a confirmed publish ended.
package enum AMQPPublishResult: Sendable, Hashable {
    /// At least one queue took the message.
    case routed
    /// No queue is bound for it; the broker returned it with that text.
    case unroutable(replyText: String)
}
