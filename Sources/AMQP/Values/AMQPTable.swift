// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A value in an AMQP field table, as RabbitMQ understands the types.
package enum AMQPFieldValue: Sendable, Hashable {
    case bool(Bool)
    /// Any integer that fits; written as 32 bits where it fits, else 64.
    case int(Int64)
    case double(Double)
    case decimal(scale: UInt8, value: UInt32)
    case string(String)
    case bytes([UInt8])
    /// Seconds since 1970.
    case timestamp(UInt64)
    case array([AMQPFieldValue])
    case table(AMQPTable)
    case void

    /// The text of a `.string`, or of `.bytes` that are valid UTF-8.
    package var stringValue: String? {
        switch self {
        case .string(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// The number of an `.int`.
    package var intValue: Int64? {
        if case .int(let value) = self { value } else { nil }
    }
}

extension AMQPFieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// An AMQP field table: ordered, keys unique as far as this process writes them.
package struct AMQPTable: Sendable, Hashable {
    /// One key and its value.
    package struct Entry: Sendable, Hashable {
        package var key: String
        package var value: AMQPFieldValue

        package init(key: String, value: AMQPFieldValue) {
            self.key = key
            self.value = value
        }
    }

    /// The entries in their order on the wire.
    package private(set) var entries: [Entry]
    /// Whether parts of a received table were left out because they went over the decoding limits.
    package internal(set) var isTruncated = false

    package init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    /// The first value under that key; setting replaces it, or removes it with nil.
    package subscript(key: String) -> AMQPFieldValue? {
        get { entries.first { $0.key == key }?.value }
        set {
            let index = entries.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Adds an entry without looking for an earlier one of the same key.
    mutating func append(_ key: String, _ value: AMQPFieldValue) {
        entries.append(Entry(key: key, value: value))
    }
}

extension AMQPTable: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, AMQPFieldValue)...) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }
}

// Sizes on the wire: a headers frame must fit into one frame, and librabbitmq notices too late (it has already sent the
// method frame by then), so it is measured before anything is sent.
extension AMQPFieldValue {
    /// Bytes on the wire including the type octet.
    var encodedSize: Int {
        switch self {
        case .bool: 2
        case .int(let value): Int32(exactly: value) == nil ? 9 : 5
        case .double, .timestamp: 9
        case .decimal: 6
        case .string(let text): 5 + text.utf8.count
        case .bytes(let bytes): 5 + bytes.count
        case .array(let values): values.reduce(5) { $0 + $1.encodedSize }
        case .table(let table): 1 + table.encodedSize
        case .void: 1
        }
    }
}

extension AMQPTable {
    /// Bytes on the wire including the length word.
    var encodedSize: Int {
        entries.reduce(4) { $0 + 1 + $1.key.utf8.count + $1.value.encodedSize }
    }

    /// The first key, at any depth, that does not fit AMQP's 255 bytes.
    var overlongKey: String? {
        for entry in entries {
            if entry.key.utf8.count > 255 { return entry.key }
            if let inner = entry.value.overlongKey { return inner }
        }
        return nil
    }
}

extension AMQPFieldValue {
    fileprivate var overlongKey: String? {
        switch self {
        case .table(let table): return table.overlongKey
        case .array(let values):
            for value in values {
                if let key = value.overlongKey { return key }
            }
            return nil
        default: return nil
        }
    }
}
