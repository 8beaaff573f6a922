// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Header fields in the order they were added, found by name without regard to case (RFC 9110 §5.1).
package struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One header field: its name as written and its value.
    package typealias Element = (name: String, value: String)

    fileprivate struct Field: Sendable, Hashable {
        var name: String
        var value: String
    }

    private var fields: [Field] = []

    /// Makes an empty list.
    package init() {}

    /// Makes a list from a literal; a name given twice is kept twice.
    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }

    /// How many fields there are, repeated names counted each time.
    package var count: Int { fields.count }

    /// The first value of a field; setting replaces every field of that name, `nil` removes them.
    package subscript(name: String) -> String? {
        get { fields.first { Self.isSame($0.name, name) }?.value }
        set {
            guard let value = newValue else { return fields.removeAll { Self.isSame($0.name, name) } }
            guard let index = fields.firstIndex(where: { Self.isSame($0.name, name) }) else { return add(name, value) }
            fields[index].value = value
            fields[(index + 1)...].removeAll { Self.isSame($0.name, name) }
        }
    }

    /// Adds a field behind the others, whether or not its name is there already.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Every value of a field, in order.
    package func all(_ name: String) -> [String] {
        fields.filter { Self.isSame($0.name, name) }.map(\.value)
    }

    /// Appends text to the last field's value: the obsolete line folding some servers still send (RFC 9112 §5.2).
    mutating func extendLast(with text: String) {
        guard !fields.isEmpty else { return }
        fields[fields.count - 1].value += " " + text
    }

    /// Compares two names as ASCII without case; allocates nothing.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && left.utf8.elementsEqual(right.utf8) { folded($0) == folded($1) }
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

}

extension HTTPHeaders: Sequence {
    /// Yields the fields in order as `(name, value)`.
    package struct Iterator: IteratorProtocol {
        private var base: IndexingIterator<[Field]>

        fileprivate init(_ base: IndexingIterator<[Field]>) { self.base = base }

        package mutating func next() -> Element? {
            guard let field = base.next() else { return nil }
            return (name: field.name, value: field.value)
        }
    }

    package func makeIterator() -> Iterator { Iterator(fields.makeIterator()) }
}
