// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An element of an XML document: names without prefixes, no attributes.
struct XMLElement: Sendable, Hashable {
    let name: String
    /// The text directly inside, as it stands, entities resolved.
    fileprivate(set) var text = ""
    fileprivate(set) var children: [XMLElement] = []

    fileprivate init(name: String) { self.name = name }

    /// The first element of that name directly inside.
    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// All elements of that name directly inside, in their order.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// The text of the first element of that name, without blanks around it; nil where there is no such element.
    func text(of name: String) -> String? {
        self[name].map { String($0.text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()) }
    }
}

/// Reads the XML that object stores write, and nothing that could hurt.
///
/// A reader of our own, because Foundation's ends the process on a name that is no UTF-8 and keeps memory for every
/// error (Swift 6.3). What services do not send is refused: document types, and with them all entities but XML's five;
/// any encoding but UTF-8; more than `maximumDepth` levels or `maximumElements` elements. Linear in the document's size.
struct XMLReader {
    static let maximumDepth = 16
    static let maximumElements = 50_000

    private let bytes: [UInt8]
    private var offset = 0
    private var count = 0
    /// The elements that are open, with their names as written.
    private var open: [(tag: ArraySlice<UInt8>, element: XMLElement)] = []
    private var root: XMLElement?

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The root of a document; nil where it is not well-formed or over a limit.
    static func parse(_ bytes: [UInt8]) -> XMLElement? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = XMLReader(bytes)
        return reader.read() ? reader.root : nil
    }

    private mutating func read() -> Bool {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
        while offset < bytes.count {
            guard bytes[offset] == UInt8(ascii: "<") ? readMarkup() : readText() else { return false }
        }
        return open.isEmpty && root != nil
    }

    private mutating func readMarkup() -> Bool {
        if skip("<?") { return skip(through: "?>") != nil }
        if skip("<!--") { return skip(through: "-->") != nil }
        if skip("<![CDATA[") {
            guard let content = skip(through: "]]>") else { return false }
            return append(String(decoding: content, as: UTF8.self))
        }
        // A document type would bring entities.
        if skip("<!") { return false }
        return skip("</") ? close() : begin()
    }

    private mutating func begin() -> Bool {
        offset += 1
        count += 1
        let tag = readTag()
        let local = tag.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last ?? tag
        guard !local.isEmpty, open.count < Self.maximumDepth, count <= Self.maximumElements,
            root == nil || !open.isEmpty, let isEmpty = skipAttributes()
        else { return false }
        open.append((tag, XMLElement(name: String(decoding: local, as: UTF8.self))))
        return isEmpty ? end() : true
    }

    private mutating func close() -> Bool {
        guard let tag = open.last?.tag, readTag() == tag else { return false }
        skipBlanks()
        return skip(">") && end()
    }

    /// Puts the innermost element where it belongs.
    private mutating func end() -> Bool {
        guard let element = open.popLast()?.element else { return false }
        if open.isEmpty { root = element } else { open[open.count - 1].element.children.append(element) }
        return true
    }

    /// Up to the end of a start tag; whether it is that of an empty element, nil where it does not end.
    private mutating func skipAttributes() -> Bool? {
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: ">"): return bytes[offset - 2] == UInt8(ascii: "/")
            case UInt8(ascii: "<"): return nil
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard let end = bytes[offset...].firstIndex(of: byte) else { return nil }
                offset = end + 1
            default: break
            }
        }
        return nil
    }

    private mutating func readTag() -> ArraySlice<UInt8> {
        let tag = bytes[offset...].prefix { !" \t\r\n/>=<&\"'".utf8.contains($0) }
        offset = tag.endIndex
        return tag
    }
}

extension XMLReader {
    /// Text up to the next markup; outside the root only blanks may stand.
    private mutating func readText() -> Bool {
        var text: [UInt8] = []
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "<") {
            if bytes[offset] == UInt8(ascii: "&") {
                guard let character = readEntity() else { return false }
                text.append(contentsOf: String(character).utf8)
            } else {
                text.append(bytes[offset])
                offset += 1
            }
        }
        return append(String(decoding: text, as: UTF8.self))
    }

    private mutating func append(_ text: String) -> Bool {
        guard !open.isEmpty else { return text.utf8.allSatisfy { " \t\r\n".utf8.contains($0) } }
        open[open.count - 1].element.text += text
        return true
    }

    /// One of XML's five entities, or a character by its number.
    private mutating func readEntity() -> Character? {
        let name = bytes[(offset + 1)...].prefix(10).prefix { $0 != UInt8(ascii: ";") }
        guard name.endIndex < bytes.count, bytes[name.endIndex] == UInt8(ascii: ";") else { return nil }
        offset = name.endIndex + 1
        switch String(decoding: name, as: UTF8.self) {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        case let reference where reference.hasPrefix("#x"): return Self.character(reference.dropFirst(2), radix: 16)
        case let reference where reference.hasPrefix("#"): return Self.character(reference.dropFirst(), radix: 10)
        default: return nil
        }
    }

    private static func character(_ digits: Substring, radix: Int) -> Character? {
        guard digits.utf8.first != UInt8(ascii: "+"), let number = UInt32(digits, radix: radix), number > 0 else {
            return nil
        }
        return Unicode.Scalar(number).map { Character($0) }
    }

    private mutating func skipBlanks() {
        while offset < bytes.count, " \t\r\n".utf8.contains(bytes[offset]) { offset += 1 }
    }

    /// Steps over a literal, if it is what comes next.
    private mutating func skip(_ literal: StaticString) -> Bool {
        let wanted = "\(literal)".utf8
        guard bytes[offset...].starts(with: wanted) else { return false }
        offset += wanted.count
        return true
    }

    /// Steps over everything up to and with a literal; what was before it, nil where it does not come.
    private mutating func skip(through literal: StaticString) -> ArraySlice<UInt8>? {
        let wanted = Array("\(literal)".utf8)
        var index = offset
        while index + wanted.count <= bytes.count {
            if bytes[index] == wanted[0], bytes[index...].starts(with: wanted) {
                defer { offset = index + wanted.count }
                return bytes[offset..<index]
            }
            index += 1
        }
        return nil
    }
}
