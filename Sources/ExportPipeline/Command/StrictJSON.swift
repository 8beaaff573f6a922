// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Why a text is no acceptable JSON document.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        case empty, tooLarge, tooDeep, duplicateName, byteOrderMark, invalidUTF8, loneSurrogate, controlCharacter
        case invalidEscape, malformedNumber, numberOutOfRange, unexpectedByte, unexpectedEnd, trailingBytes
    }

    package let code: Code
    /// Where it was noticed, in bytes from the start of the document.
    package let offset: Int
    /// What is wrong and at which byte; cleaned and bounded.
    package let message: String

    init(_ code: Code, at offset: Int, _ what: String) {
        self.code = code
        self.offset = offset
        self.message = "\(what) at byte \(offset)"
    }

    package var description: String { message }
}

/// A strict, bounded reader of JSON (RFC 8259 with the restrictions of I-JSON that matter for safety).
///
/// Refuses duplicate names (canonically equivalent ones count as the same), a byte order mark, invalid UTF-8, lone
/// surrogates in escapes, numbers that overflow a double, raw control characters, leading zeros, trailing bytes and
/// nesting that goes deeper than the limit.
package enum StrictJSON {
    /// What a document may be at most.
    package struct Limits: Sendable, Hashable {
        /// In bytes.
        package var maximumBytes: Int
        /// Arrays and objects inside each other.
        package var maximumDepth: Int

        package init(maximumBytes: Int = .max, maximumDepth: Int = 32) {
            self.maximumBytes = maximumBytes
            self.maximumDepth = maximumDepth
        }
    }

    /// Reads one document that fills `bytes` but for blanks around it.
    package static func parse(_ bytes: [UInt8], limits: Limits = Limits()) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.maximumBytes else {
            throw JSONError(
                .tooLarge, at: limits.maximumBytes,
                "\(bytes.count) bytes where at most \(limits.maximumBytes) are allowed: too large")
        }
        var parser = JSONParser(bytes: bytes, maximumDepth: limits.maximumDepth)
        return try parser.parseDocument()
    }
}
