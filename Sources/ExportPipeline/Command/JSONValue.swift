// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A JSON document as the strict parser read it, or as the writer will write it: members keep their order and numbers
/// their literal text.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// A whole number.
    package static func integer(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }

    /// A number in its shortest form, whole ones without a fraction; `null` where it is not finite.
    package static func double(_ value: Double) -> JSONValue { JSONNumber(value).map(JSONValue.number) ?? .null }

    /// A number rounded to 3 decimals (seconds to milliseconds); `null` where it is not finite.
    package static func rounded(_ value: Double) -> JSONValue { .double((value * 1000).rounded() / 1000) }

    /// The text of a string, nil for anything else.
    package var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The value of a boolean, nil for anything else.
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The value of a whole number that fits, nil for anything else (`1.0` and `1e3` are whole numbers).
    package var int: Int? { if case .number(let value) = self { value.int } else { nil } }

    /// The value of a number, nil for anything else.
    package var double: Double? { if case .number(let value) = self { value.double } else { nil } }

    /// The elements of an array, nil for anything else.
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// The object itself, nil for anything else.
    package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    package var isNull: Bool { self == .null }

    /// The member of that name where this is an object that has it and it is not `null` (which counts as absent).
    package subscript(name: String) -> JSONValue? { object?[name] }

    /// What kind of value this is, for messages: `a string`, `an object`, `null` and so on.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
}

/// One member of an object.
package struct JSONMember: Sendable, Hashable {
    package let name: String
    package var value: JSONValue

    package init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }
}

/// The members of an object in their order, each name once.
package struct JSONObject: Sendable, Hashable {
    package private(set) var members: [JSONMember]

    /// An object without members.
    package init() { members = [] }

    /// An object of these members in this order; those whose value is nil are left out.
    package init(_ members: KeyValuePairs<String, JSONValue?>) {
        self.members = []
        for (name, value) in members { set(name, value) }
    }

    /// Takes members whose names are known to differ.
    init(distinct members: [JSONMember]) { self.members = members }

    package var isEmpty: Bool { members.isEmpty }

    /// The value of a member, nil where it is missing or `null`: an explicit `null` counts as absent.
    package subscript(name: String) -> JSONValue? {
        guard let value = members.first(where: { $0.name == name })?.value, !value.isNull else { return nil }
        return value
    }

    /// Replaces or appends a member; nil removes it.
    package mutating func set(_ name: String, _ value: JSONValue?) {
        let index = members.firstIndex { $0.name == name }
        switch (index, value) {
        case (let index?, let value?): members[index].value = value
        case (let index?, nil): members.remove(at: index)
        case (nil, let value?): members.append(JSONMember(name: name, value: value))
        case (nil, nil): break
        }
    }
}
