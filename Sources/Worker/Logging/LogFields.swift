// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Logging

/// Metadata made flat: dotted keys in order, bounded in number and length.
struct LogFields {
    enum Value: Hashable {
        case text(String)
        /// Digits or a word that JSON takes as it is.
        case literal(String)
        case list([Value])
    }

    /// The most fields of one entry, and the most elements of one list.
    static let maximumCount = 64
    /// How deep dictionaries may nest.
    static let maximumDepth = 8

    private(set) var pairs: [(key: String, value: Value)] = []

    init(_ metadata: Logger.Metadata) {
        add(metadata, prefix: "", depth: 0)
        pairs.sort { $0.key < $1.key }
        guard pairs.count > Self.maximumCount else { return }
        let more = pairs.count - Self.maximumCount
        pairs.removeLast(more)
        pairs.append(("log.omittedFields", .literal(String(more))))
    }

    private mutating func add(_ metadata: Logger.Metadata, prefix: String, depth: Int) {
        for (key, value) in metadata {
            let name = prefix + LogText.clean(key, limit: 128)
            if case .dictionary(let inner) = value, depth < Self.maximumDepth {
                add(inner, prefix: name + ".", depth: depth + 1)
            } else {
                pairs.append((name, Self.convert(value)))
            }
        }
    }

    private static func convert(_ value: Logger.MetadataValue) -> Value {
        switch value {
        case .string(let text): .text(LogText.cut(text, LogText.maximumBytes))
        case .stringConvertible(let value): literal(value) ?? .text(LogText.cut("\(value)", LogText.maximumBytes))
        case .array(let items): .list(items.prefix(maximumCount).map { flat($0) })
        case .dictionary: flat(value)
        }
    }

    /// Elements of a list: what is nested deeper is told as one text.
    private static func flat(_ value: Logger.MetadataValue) -> Value {
        switch value {
        case .string, .stringConvertible: convert(value)
        case .array, .dictionary: .text(LogText.cut("\(value)", LogText.maximumBytes))
        }
    }

    /// Numbers and truth values stay such, so that they can be compared where the logs are searched.
    private static func literal(_ value: any CustomStringConvertible) -> Value? {
        switch value {
        case let value as Bool: .literal(value ? "true" : "false")
        case let value as any BinaryInteger: .literal("\(value)")
        case let value as Double where value.isFinite: .literal("\(value)")
        default: nil
        }
    }
}
