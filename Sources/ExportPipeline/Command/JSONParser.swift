// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The recursive descent behind `StrictJSON`; its recursion is bounded by `maximumDepth`.
struct JSONParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    var offset = 0
    private var depth = 0

    init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    /// The byte at the offset, nil at the end.
    var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) || bytes.starts(with: [0xFE, 0xFF])
            || bytes.starts(with: [0xFF, 0xFE])
        {
            throw JSONError(.byteOrderMark, at: 0, "a byte order mark, which JSON must not have,")
        }
        skipBlanks()
        guard current != nil else { throw JSONError(.empty, at: offset, "no JSON value: the text ends") }
        let value = try parseValue()
        skipBlanks()
        guard current == nil else {
            throw JSONError(.trailingBytes, at: offset, "\(describeCurrent()) after the end of the JSON value")
        }
        return value
    }

    mutating func parseValue() throws(JSONError) -> JSONValue {
        guard let byte = current else { throw unexpected("a JSON value") }
        switch byte {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
        default: throw unexpected("a JSON value")
        }
    }

    private mutating func parseArray() throws(JSONError) -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        if current == UInt8(ascii: "]") { return leave(with: .array([])) }
        while true {
            elements.append(try parseValue())
            if try endsAfterElement(UInt8(ascii: "]")) { return leave(with: .array(elements)) }
        }
    }

    private mutating func parseObject() throws(JSONError) -> JSONValue {
        try enter()
        var members: [JSONMember] = []
        var names: Set<String> = []
        if current == UInt8(ascii: "}") { return leave(with: .object(JSONObject())) }
        while true {
            let start = offset
            guard current == UInt8(ascii: "\"") else { throw unexpected("a member name in quotes") }
            let name = try parseString()
            guard isNew(name, among: members, &names) else {
                throw JSONError(
                    .duplicateName, at: start,
                    "a second member \"\(RemoteText.cleaned(name, limit: 64))\" of one object")
            }
            skipBlanks()
            guard current == UInt8(ascii: ":") else { throw unexpected("a colon") }
            offset += 1
            skipBlanks()
            members.append(JSONMember(name: name, value: try parseValue()))
            if try endsAfterElement(UInt8(ascii: "}")) { return leave(with: .object(JSONObject(distinct: members))) }
        }
    }

    /// Whether no member has that name yet. A handful is compared one by one; only a large object pays for a set.
    private func isNew(_ name: String, among members: [JSONMember], _ names: inout Set<String>) -> Bool {
        if members.count < 16 { return !members.contains { $0.name == name } }
        if names.isEmpty { names = Set(members.map(\.name)) }
        return names.insert(name).inserted
    }

    /// Steps into an array or object, whose opening byte is at the offset, up to its first element or closing byte.
    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= maximumDepth else {
            throw JSONError(.tooDeep, at: offset, "nesting over the limit of \(maximumDepth) levels")
        }
        offset += 1
        skipBlanks()
    }

    private mutating func leave(with value: JSONValue) -> JSONValue {
        depth -= 1
        offset += 1
        return value
    }

    /// Reads the comma before the next element (false), or stands before the closing byte (true).
    private mutating func endsAfterElement(_ closing: UInt8) throws(JSONError) -> Bool {
        skipBlanks()
        if current == closing { return true }
        guard current == UInt8(ascii: ",") else {
            throw unexpected("a comma or \(Character(Unicode.Scalar(closing)))")
        }
        offset += 1
        skipBlanks()
        return false
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for expected in "\(word)".utf8 {
            guard current == expected else { throw unexpected("the rest of \(word)") }
            offset += 1
        }
        return value
    }

    mutating func skipBlanks() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    /// The error for a byte that cannot stand here, or for the end of the text.
    func unexpected(_ wanted: String) -> JSONError {
        guard current != nil else {
            return JSONError(.unexpectedEnd, at: offset, "the text ends where \(wanted) belongs,")
        }
        return JSONError(.unexpectedByte, at: offset, "\(describeCurrent()) where \(wanted) belongs,")
    }

    func describeCurrent() -> String {
        guard let byte = current else { return "the end" }
        if (0x21...0x7E).contains(byte) { return "\(Character(Unicode.Scalar(byte)))" }
        return "the byte 0x\(Hexadecimal.string([byte]))"
    }
}
