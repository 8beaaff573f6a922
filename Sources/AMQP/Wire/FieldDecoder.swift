// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ

/// Copies what librabbitmq decoded out of its memory (which dies with the next release of its buffers), within limits:
/// whoever may publish to the queue decides what is in a message's headers.
struct FieldDecoder {
    /// Levels of tables and arrays within each other.
    static let maximumDepth = 8
    /// Values of one message's headers, all levels together.
    static let maximumValues = 1024
    /// Bytes of one string.
    static let maximumStringBytes = 32 * 1024

    private var remaining = FieldDecoder.maximumValues
    private var isTruncated = false

    /// A top-level table; what goes over the limits is left out and `isTruncated` set.
    static func table(_ table: amqp_table_t) -> AMQPTable {
        var decoder = FieldDecoder()
        var result = unsafe decoder.table(table, depth: 1)
        result.isTruncated = decoder.isTruncated
        return result
    }

    /// A short string; bytes that are not UTF-8 are replaced, it is a label.
    static func text(_ bytes: amqp_bytes_t) -> String {
        unsafe String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }

    /// A short string that people will read: whatever moves a cursor, turns a line or hides becomes a blank.
    static func words(_ bytes: amqp_bytes_t) -> String {
        var result = ""
        for scalar in unsafe text(bytes).unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: result.append(" ")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private mutating func table(_ table: amqp_table_t, depth: Int) -> AMQPTable {
        var result = AMQPTable()
        for index in 0..<max(0, Int(unsafe table.num_entries)) {
            guard takeOne() else { break }
            let entry = unsafe table.entries[index]
            guard let value = unsafe value(entry.value, depth: depth) else { continue }
            result.append(unsafe FieldDecoder.text(entry.key), value)
        }
        return result
    }

    private mutating func array(_ array: amqp_array_t, depth: Int) -> [AMQPFieldValue] {
        var result: [AMQPFieldValue] = []
        for index in 0..<max(0, Int(unsafe array.num_entries)) {
            guard takeOne() else { break }
            if let value = unsafe value(array.entries[index], depth: depth) { result.append(value) }
        }
        return result
    }

    private mutating func takeOne() -> Bool {
        guard remaining > 0 else {
            isTruncated = true
            return false
        }
        remaining -= 1
        return true
    }

    private mutating func leaveOut() -> AMQPFieldValue? {
        isTruncated = true
        return nil
    }

    private mutating func value(_ field: amqp_field_value_t, depth: Int) -> AMQPFieldValue? {
        let raw = unsafe field.value
        switch amqp_field_value_kind_t(rawValue: UInt32(unsafe field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: return .bool(unsafe raw.boolean != 0)
        case AMQP_FIELD_KIND_I8: return .int(Int64(unsafe raw.i8))
        case AMQP_FIELD_KIND_U8: return .int(Int64(unsafe raw.u8))
        case AMQP_FIELD_KIND_I16: return .int(Int64(unsafe raw.i16))
        case AMQP_FIELD_KIND_U16: return .int(Int64(unsafe raw.u16))
        case AMQP_FIELD_KIND_I32: return .int(Int64(unsafe raw.i32))
        case AMQP_FIELD_KIND_U32: return .int(Int64(unsafe raw.u32))
        case AMQP_FIELD_KIND_I64: return .int(unsafe raw.i64)
        case AMQP_FIELD_KIND_U64: return Int64(exactly: unsafe raw.u64).map { .int($0) } ?? leaveOut()
        case AMQP_FIELD_KIND_F32: return .double(Double(unsafe raw.f32))
        case AMQP_FIELD_KIND_F64: return .double(unsafe raw.f64)
        case AMQP_FIELD_KIND_DECIMAL:
            return .decimal(scale: unsafe raw.decimal.decimals, value: unsafe raw.decimal.value)
        case AMQP_FIELD_KIND_UTF8: return unsafe string(raw.bytes, isText: true)
        case AMQP_FIELD_KIND_BYTES: return unsafe string(raw.bytes, isText: false)
        case AMQP_FIELD_KIND_TIMESTAMP: return .timestamp(unsafe raw.u64)
        case AMQP_FIELD_KIND_ARRAY where depth < FieldDecoder.maximumDepth:
            return .array(unsafe array(raw.array, depth: depth + 1))
        case AMQP_FIELD_KIND_TABLE where depth < FieldDecoder.maximumDepth:
            return .table(unsafe table(raw.table, depth: depth + 1))
        case AMQP_FIELD_KIND_VOID: return .void
        default: return leaveOut()
        }
    }

    private mutating func string(_ bytes: amqp_bytes_t, isText: Bool) -> AMQPFieldValue? {
        guard unsafe bytes.len <= FieldDecoder.maximumStringBytes else { return leaveOut() }
        let copy = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
        // AMQP's long string may carry any bytes.
        guard isText, let text = String(validating: copy, as: UTF8.self) else { return .bytes(copy) }
        return .string(text)
    }

    /// The properties of a basic header frame.
    static func properties(_ raw: amqp_basic_properties_t) -> AMQPProperties {
        let flags = Int32(truncatingIfNeeded: unsafe raw._flags)
        func text(_ bytes: amqp_bytes_t, _ flag: Int32) -> String? {
            flags & flag != 0 ? unsafe FieldDecoder.text(bytes) : nil
        }
        var result = AMQPProperties()
        result.contentType = unsafe text(raw.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG)
        result.contentEncoding = unsafe text(raw.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
        result.correlationID = unsafe text(raw.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG)
        result.replyTo = unsafe text(raw.reply_to, AMQP_BASIC_REPLY_TO_FLAG)
        result.expiration = unsafe text(raw.expiration, AMQP_BASIC_EXPIRATION_FLAG)
        result.messageID = unsafe text(raw.message_id, AMQP_BASIC_MESSAGE_ID_FLAG)
        result.type = unsafe text(raw.type, AMQP_BASIC_TYPE_FLAG)
        result.userID = unsafe text(raw.user_id, AMQP_BASIC_USER_ID_FLAG)
        result.appID = unsafe text(raw.app_id, AMQP_BASIC_APP_ID_FLAG)
        if flags & AMQP_BASIC_HEADERS_FLAG != 0 { result.headers = unsafe table(raw.headers) }
        if flags & AMQP_BASIC_DELIVERY_MODE_FLAG != 0 {
            result.deliveryMode = AMQPProperties.DeliveryMode(rawValue: unsafe raw.delivery_mode)
        }
        if flags & AMQP_BASIC_PRIORITY_FLAG != 0 { result.priority = unsafe raw.priority }
        if flags & AMQP_BASIC_TIMESTAMP_FLAG != 0 { result.timestamp = unsafe raw.timestamp }
        return result
    }
}
