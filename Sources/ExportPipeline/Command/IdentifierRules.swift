// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What an id (`commandId`, `tenant`, `modelId`, `version`, `format`, a metadata key) may look like.
///
/// Characters are counted as Unicode scalars, as JSON Schema counts them.
package enum IdentifierRules {
    package static let maximumCharacters = 128
    /// Once percent-encoded, so that an id is always good for a file name.
    package static let maximumEncodedBytes = 200

    /// Whether a text obeys every rule.
    package static func isValid(_ text: String) -> Bool { violation(of: text) == nil }

    /// The first rule that a text breaks, as the predicate of a sentence whose subject is the field; nil for none.
    package static func violation(of text: String) -> String? {
        if text.isEmpty { return "is empty; it needs 1 to \(maximumCharacters) characters" }
        let count = text.unicodeScalars.count
        if count > maximumCharacters { return "has \(count) characters; the limit is \(maximumCharacters)" }
        if let problem = characterViolation(of: text) { return problem }
        if text == "." || text == ".." { return "must not be \(text)" }
        let encoded = PercentEncoding.encodedLength(text)
        if encoded > maximumEncodedBytes {
            return "takes \(encoded) bytes once percent-encoded; the limit is \(maximumEncodedBytes)"
        }
        return nil
    }

    private static func characterViolation(of text: String) -> String? {
        for (index, scalar) in text.unicodeScalars.enumerated() {
            if scalar == "/" || scalar == "\\" { return "contains \(scalar) at character \(index + 1); remove it" }
            if isHidden(scalar) {
                return "contains the control or invisible character \(name(of: scalar)) at character \(index + 1); "
                    + "remove it"
            }
        }
        let isBlank = { (scalar: Unicode.Scalar?) in scalar?.properties.isWhitespace ?? false }
        guard isBlank(text.unicodeScalars.first) || isBlank(text.unicodeScalars.last) else { return nil }
        return "begins or ends with a blank; remove it"
    }

    /// Whether a scalar can hide in a text: controls, bidi and format characters, and whatever shows as nothing.
    static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        return RemoteText.isUnsafe(scalar) || scalar.properties.isDefaultIgnorableCodePoint
            || scalar.properties.isNoncharacterCodePoint
    }

    static func name(of scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
