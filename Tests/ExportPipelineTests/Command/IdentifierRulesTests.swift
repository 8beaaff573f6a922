// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

struct IdentifierRulesTests {
    @Test(arguments: [
        "a", "nlu_intent_classifier_v2", "1.4.0", "...", ".hidden", "a b", "ä", "模型", "👍", "a:b", "%2F", "{x}",
        "_invalid",
        String(repeating: "x", count: 128), String(repeating: "é", count: 33),
    ])
    func acceptsHonestIds(id: String) {
        #expect(IdentifierRules.violation(of: id) == nil)
    }

    @Test(arguments: [
        ("", "is empty"), (".", "must not be ."), ("..", "must not be .."), ("a/b", "contains / at character 2"),
        ("../../etc", "contains / at character 3"), ("a\\b", "contains \\ at character 2"),
        (" a", "begins or ends with a blank"), ("a\u{A0}", "begins or ends with a blank"),
        ("a\u{3000}", "begins or ends with a blank"),
        ("a\nb", "U+000A at character 2"), ("a\u{0}", "U+0000"), ("\u{7F}", "U+007F"), ("a\u{85}b", "U+0085"),
        ("a\u{202E}b", "U+202E at character 2"), ("a\u{200B}", "U+200B"), ("\u{FEFF}a", "U+FEFF at character 1"),
        ("a\u{2066}", "U+2066"), ("a\u{AD}b", "U+00AD"), ("a\u{2028}b", "U+2028"), ("a\u{3164}", "U+3164"),
        ("a\u{FE0F}", "U+FE0F"), ("a\u{E0041}", "U+E0041"), ("a\u{FFFF}", "U+FFFF"),
        (String(repeating: "x", count: 129), "has 129 characters; the limit is 128"),
        (String(repeating: "é", count: 34), "takes 204 bytes once percent-encoded; the limit is 200"),
        (String(repeating: "模", count: 23), "takes 207 bytes"),
    ])
    func refusesAndNamesTheRule(id: String, part: String) throws {
        let violation = try #require(IdentifierRules.violation(of: id))
        #expect(violation.contains(part))
    }

    @Test func boundsOneGiantCharacter() throws {
        let zalgo = "e" + String(repeating: "\u{301}", count: 5000)
        let violation = try #require(IdentifierRules.violation(of: zalgo))
        #expect(violation.contains("5001 characters"))
    }
}
