// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ

/// Memory that C structures made from Swift values point into; valid inside `with` only.
@safe final class CArena {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    private init() {}

    static func with<Result>(_ body: (CArena) throws(AMQPError) -> Result) throws(AMQPError) -> Result {
        let arena = CArena()
        defer { arena.release() }
        return try body(arena)
    }

    private func release() {
        while let block = unsafe blocks.popLast() { unsafe block.deallocate() }
    }

    private func allocate(_ size: Int, alignment: Int) -> UnsafeMutableRawPointer {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: alignment)
        unsafe blocks.append(block)
        return unsafe block
    }

    /// The bytes of a text, without a terminator.
    func bytes(_ text: String) -> amqp_bytes_t {
        unsafe bytes(Array(text.utf8))
    }

    func bytes(_ bytes: [UInt8]) -> amqp_bytes_t {
        guard !bytes.isEmpty else { return unsafe amqp_empty_bytes }
        let block = unsafe allocate(bytes.count, alignment: 1)
        unsafe bytes.withUnsafeBytes { unsafe block.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        return unsafe amqp_bytes_t(len: bytes.count, bytes: block)
    }

    func table(_ table: AMQPTable) -> amqp_table_t {
        guard !table.isEmpty else { return unsafe amqp_empty_table }
        let stride = unsafe MemoryLayout<amqp_table_entry_t>.stride
        let block = unsafe allocate(table.count * stride, alignment: unsafe MemoryLayout<amqp_table_entry_t>.alignment)
        let entries = unsafe block.bindMemory(to: amqp_table_entry_t.self, capacity: table.count)
        for (index, entry) in table.entries.enumerated() {
            let value = unsafe field(entry.value)
            unsafe (entries + index).initialize(to: amqp_table_entry_t(key: bytes(entry.key), value: value))
        }
        return unsafe amqp_table_t(num_entries: Int32(table.count), entries: entries)
    }

    private func array(_ values: [AMQPFieldValue]) -> amqp_array_t {
        guard !values.isEmpty else { return unsafe amqp_empty_array }
        let stride = unsafe MemoryLayout<amqp_field_value_t>.stride
        let block = unsafe allocate(values.count * stride, alignment: unsafe MemoryLayout<amqp_field_value_t>.alignment)
        let entries = unsafe block.bindMemory(to: amqp_field_value_t.self, capacity: values.count)
        for (index, value) in values.enumerated() {
            unsafe (entries + index).initialize(to: field(value))
        }
        return unsafe amqp_array_t(num_entries: Int32(values.count), entries: entries)
    }

    private func field(_ value: AMQPFieldValue) -> amqp_field_value_t {
        var field = unsafe amqp_field_value_t()
        func set(_ kind: amqp_field_value_kind_t) { unsafe field.kind = UInt8(truncatingIfNeeded: kind.rawValue) }
        switch value {
        case .bool(let flag):
            set(AMQP_FIELD_KIND_BOOLEAN)
            unsafe field.value.boolean = flag ? 1 : 0
        case .int(let number):
            // Never 'L' (unsigned 64): RabbitMQ does not know it.
            if let small = Int32(exactly: number) {
                set(AMQP_FIELD_KIND_I32)
                unsafe field.value.i32 = small
            } else {
                set(AMQP_FIELD_KIND_I64)
                unsafe field.value.i64 = number
            }
        case .double(let number):
            set(AMQP_FIELD_KIND_F64)
            unsafe field.value.f64 = number
        case .decimal(let scale, let number):
            set(AMQP_FIELD_KIND_DECIMAL)
            unsafe field.value.decimal = amqp_decimal_t(decimals: scale, value: number)
        case .string(let text):
            set(AMQP_FIELD_KIND_UTF8)
            unsafe field.value.bytes = bytes(text)
        case .bytes(let raw):
            set(AMQP_FIELD_KIND_BYTES)
            unsafe field.value.bytes = bytes(raw)
        case .timestamp(let seconds):
            set(AMQP_FIELD_KIND_TIMESTAMP)
            unsafe field.value.u64 = seconds
        case .array(let values):
            set(AMQP_FIELD_KIND_ARRAY)
            unsafe field.value.array = array(values)
        case .table(let inner):
            set(AMQP_FIELD_KIND_TABLE)
            unsafe field.value.table = table(inner)
        case .void:
            set(AMQP_FIELD_KIND_VOID)
        }
        return unsafe field
    }

    /// The properties with the flags of those that are set.
    func properties(_ properties: AMQPProperties) -> amqp_basic_properties_t {
        var result = unsafe amqp_basic_properties_t()
        var flags: Int32 = 0
        func text(_ value: String?, _ flag: Int32) -> amqp_bytes_t {
            guard let value else { return unsafe amqp_empty_bytes }
            flags |= flag
            return unsafe bytes(value)
        }
        unsafe result.content_type = text(properties.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG)
        unsafe result.content_encoding = text(properties.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
        unsafe result.correlation_id = text(properties.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG)
        unsafe result.reply_to = text(properties.replyTo, AMQP_BASIC_REPLY_TO_FLAG)
        unsafe result.expiration = text(properties.expiration, AMQP_BASIC_EXPIRATION_FLAG)
        unsafe result.message_id = text(properties.messageID, AMQP_BASIC_MESSAGE_ID_FLAG)
        unsafe result.type = text(properties.type, AMQP_BASIC_TYPE_FLAG)
        unsafe result.user_id = text(properties.userID, AMQP_BASIC_USER_ID_FLAG)
        unsafe result.app_id = text(properties.appID, AMQP_BASIC_APP_ID_FLAG)
        if !properties.headers.isEmpty {
            flags |= AMQP_BASIC_HEADERS_FLAG
            unsafe result.headers = table(properties.headers)
        }
        if let mode = properties.deliveryMode {
            flags |= AMQP_BASIC_DELIVERY_MODE_FLAG
            unsafe result.delivery_mode = mode.rawValue
        }
        if let priority = properties.priority {
            flags |= AMQP_BASIC_PRIORITY_FLAG
            unsafe result.priority = priority
        }
        if let timestamp = properties.timestamp {
            flags |= AMQP_BASIC_TIMESTAMP_FLAG
            unsafe result.timestamp = timestamp
        }
        unsafe result._flags = amqp_flags_t(flags)
        return unsafe result
    }
}
