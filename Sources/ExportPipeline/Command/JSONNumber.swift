// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A JSON number as its literal text, so that no digit is lost between reading and writing.
///
/// Two numbers are equal when their literals are: `1` and `1.0` differ.
package struct JSONNumber: Sendable, Hashable {
    /// The number as it stands in the document, by the grammar of RFC 8259.
    package let literal: String

    /// Takes a literal that the parser checked.
    init(checked literal: String) { self.literal = literal }

    /// A whole number.
    package init(_ value: Int) { literal = String(value) }

    /// A number in its shortest form, whole ones without a fraction; nil where it is not finite.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        if let whole = Int(exactly: value), abs(value) <= 0x1p53 {
            literal = String(whole)
        } else {
            literal = value.description
        }
    }

    /// The nearest double; finite, because the parser refuses numbers that overflow.
    package var double: Double { Double(literal) ?? 0 }

    /// The whole number that the literal means, nil where it has a fraction or does not fit.
    package var int: Int? {
        if let whole = Int(literal) { return whole }
        let value = double
        return abs(value) <= 0x1p53 ? Int(exactly: value) : nil
    }
}
