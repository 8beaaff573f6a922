// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension JSONParser {
    /// Longer literals are no honest numbers.
    private static let maximumNumberBytes = 512

    mutating func parseNumber() throws(JSONError) -> JSONNumber {
        let start = offset
        if current == UInt8(ascii: "-") { offset += 1 }
        let firstDigit = current
        let wholeDigits = try skipDigits("a digit")
        guard firstDigit != UInt8(ascii: "0") || wholeDigits == 1 else {
            throw JSONError(.malformedNumber, at: start, "a number with leading zeros")
        }
        var isPlain = true
        if current == UInt8(ascii: ".") {
            offset += 1
            isPlain = false
            _ = try skipDigits("a digit after the decimal point")
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            offset += 1
            isPlain = false
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
            _ = try skipDigits("a digit of the exponent")
        }
        return try checkedNumber(from: start, isShort: isPlain && wholeDigits <= 18)
    }

    private func checkedNumber(from start: Int, isShort: Bool) throws(JSONError) -> JSONNumber {
        guard offset - start <= Self.maximumNumberBytes else {
            throw JSONError(
                .numberOutOfRange, at: start, "a number of \(offset - start) bytes (at most \(Self.maximumNumberBytes))"
            )
        }
        let literal = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard isShort || Double(literal)?.isFinite == true else {
            throw JSONError(.numberOutOfRange, at: start, "a number too large for a double")
        }
        return JSONNumber(checked: literal)
    }

    private mutating func skipDigits(_ wanted: String) throws(JSONError) -> Int {
        let start = offset
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard offset > start else { throw unexpected(wanted) }
        return offset - start
    }

    /// Reads a string whose opening quote is at the offset.
    mutating func parseString() throws(JSONError) -> String {
        let start = offset
        offset += 1
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                guard let text = String(validating: bytes[(start + 1)..<offset], as: UTF8.self) else {
                    throw invalidUTF8(from: start + 1)
                }
                offset += 1
                return text
            case UInt8(ascii: "\\"): return try parseEscapedString(from: start + 1)
            case 0..<0x20: throw rawControl()
            default: offset += 1
            }
        }
        throw JSONError(.unexpectedEnd, at: offset, "the text ends inside the string that began at byte \(start),")
    }

    /// Goes on with a string that began at `start` from its first escape, which is at the offset.
    private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: unescaped, as: UTF8.self) else { throw invalidUTF8(from: start) }
                offset += 1
                return text
            case UInt8(ascii: "\\"): try appendEscape(to: &unescaped)
            case 0..<0x20: throw rawControl()
            default:
                unescaped.append(byte)
                offset += 1
            }
        }
        throw JSONError(.unexpectedEnd, at: offset, "the text ends inside the string that began at byte \(start - 1),")
    }

    private mutating func appendEscape(to unescaped: inout [UInt8]) throws(JSONError) {
        let start = offset
        offset += 1
        guard let letter = current else { throw unexpected("an escape") }
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(letter)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): unescaped.append(contentsOf: String(try parseEscapedScalar(from: start)).utf8)
        default: throw JSONError(.invalidEscape, at: start, "an escape that JSON does not know")
        }
    }

    /// Reads the scalar of `\uXXXX` or of a surrogate pair; the offset stands behind the first `u`.
    private mutating func parseEscapedScalar(from start: Int) throws(JSONError) -> Character {
        let first = try parseHexQuad(from: start)
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        let lone = JSONError(.loneSurrogate, at: start, "half of a surrogate pair, alone,")
        guard first < 0xDC00, bytes[offset...].starts(with: "\\u".utf8) else { throw lone }
        offset += 2
        let second = try parseHexQuad(from: start)
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw lone }
        return Character(scalar)
    }

    private mutating func parseHexQuad(from start: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw JSONError(.invalidEscape, at: start, "a \\u escape without four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private func rawControl() -> JSONError {
        JSONError(.controlCharacter, at: offset, "\(describeCurrent()), a control character, raw inside a string")
    }

    /// Names the first byte from `start` that does not continue valid UTF-8.
    private func invalidUTF8(from start: Int) -> JSONError {
        var position = start
        var iterator = bytes[start...].makeIterator()
        var decoder = UTF8()
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { position += UTF8.width(scalar) }
        return JSONError(.invalidUTF8, at: position, "invalid UTF-8")
    }
}
