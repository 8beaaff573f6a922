// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

@testable import ExportPipeline

struct StrictJSONTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "12.50", "1e3", "-1.5E-7", "\"\"", "\"a\"", "[]", "{}", "[1,[2],{}]",
        #"{"b":1,"a":{"b":[null,true,"x"]}}"#, "\"ä€😀\"", "\"\u{7F}\u{2028}\"",
    ])
    func readsAndWritesTheSameText(text: String) throws {
        let value = try StrictJSON.parse(Array(text.utf8))
        #expect(JSONWriter.string(of: value) == text)
    }

    @Test(arguments: [
        (" \t\r\n{ \"a\" : 1 , \"b\" : [ ] } \n", #"{"a":1,"b":[]}"#),
        (#""\u0041\u00e4\u20ac\ud83d\ude00\/\"\\""#, #""Aä€😀/\"\\""#),
        (#""\b\f\n\r\t\u0000\u001f""#, #""\b\f\n\r\t\u0000\u001f""#),
        (#"{"\u0061b":1}"#, #"{"ab":1}"#),
    ])
    func writesWhatItReadInCanonicalForm(text: String, canonical: String) throws {
        let value = try StrictJSON.parse(Array(text.utf8))
        #expect(JSONWriter.string(of: value) == canonical)
    }

    @Test(arguments: [
        ("", JSONError.Code.empty, 0), ("  ", .empty, 2),
        ("{", .unexpectedEnd, 1), ("[1,", .unexpectedEnd, 3), ("\"abc", .unexpectedEnd, 4),
        ("\"a\\", .unexpectedEnd, 3),
        ("tru", .unexpectedEnd, 3), ("-", .unexpectedEnd, 1), ("1.", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3),
        ("nul1", .unexpectedByte, 3), ("NaN", .unexpectedByte, 0), ("Infinity", .unexpectedByte, 0),
        ("-Infinity", .unexpectedByte, 1), ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0),
        ("'a'", .unexpectedByte, 0), ("[1 2]", .unexpectedByte, 3), ("[1,]", .unexpectedByte, 3),
        (#"{"a":1,}"#, .unexpectedByte, 7), ("{a:1}", .unexpectedByte, 1), (#"{"a" 1}"#, .unexpectedByte, 5),
        ("// c\n1", .unexpectedByte, 0), ("\u{A0}1", .unexpectedByte, 0),
        ("01", .malformedNumber, 0), ("[-012]", .malformedNumber, 1), ("00", .malformedNumber, 0),
        ("1e999", .numberOutOfRange, 0), ("[-1e400]", .numberOutOfRange, 1),
        (#"{"a":1,"b":2,"a":3}"#, .duplicateName, 13), (#"{"a":1,"\u0061":3}"#, .duplicateName, 7),
        (#"{"x":{"é":1,"é":1}}"#, .duplicateName, 13),
        ("\u{FEFF}{}", .byteOrderMark, 0), ("{} {}", .trailingBytes, 3), ("1,", .trailingBytes, 1),
        ("\"a\nb\"", .controlCharacter, 2), ("\"\\n\u{0}\"", .controlCharacter, 3),
        (#""\ud83d""#, .loneSurrogate, 1), (#""a\ude00""#, .loneSurrogate, 2), (#""\ud83dx""#, .loneSurrogate, 1),
        (#""\ud83d\u0041""#, .loneSurrogate, 1), (#""\x41""#, .invalidEscape, 1), (#""\u00g0""#, .invalidEscape, 1),
        (#""\u12"#, .invalidEscape, 1),
    ])
    func refusesAndSaysWhere(text: String, code: JSONError.Code, offset: Int) {
        let error = #expect(throws: JSONError.self) { try StrictJSON.parse(Array(text.utf8)) }
        #expect(error?.code == code)
        #expect(error?.offset == offset)
        #expect(error?.message.hasSuffix("at byte \(offset)") == true)
    }

    @Test(
        arguments: [
            ([0x22, 0x61, 0xFF, 0x22], 2), ([0x22, 0xC0, 0x80, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
            ([0x22, 0xC3, 0x22], 1), ([0x22, 0x5C, 0x6E, 0xC3, 0x22], 3), ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1),
            ([0x22, 0xC3, 0xA4, 0x80, 0x22], 3),
        ] as [([UInt8], Int)])
    func refusesInvalidUTF8(bytes: [UInt8], offset: Int) {
        let error = #expect(throws: JSONError.self) { try StrictJSON.parse(bytes) }
        #expect(error?.code == .invalidUTF8)
        #expect(error?.offset == offset)
    }

    @Test(
        arguments: [([0xFF, 0xFE, 0x7B, 0], JSONError.Code.byteOrderMark), ([0xFE, 0xFF, 0, 0x7B], .byteOrderMark)]
            as [([UInt8], JSONError.Code)])
    func namesTheByteOrderMarkOfUTF16(bytes: [UInt8], code: JSONError.Code) {
        let error = #expect(throws: JSONError.self) { try StrictJSON.parse(bytes) }
        #expect(error?.code == code)
    }

    @Test func boundsTheNesting() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(throws: Never.self) { try StrictJSON.parse(nested(32)) }
        let error = #expect(throws: JSONError.self) { try StrictJSON.parse(nested(33)) }
        #expect(error?.code == .tooDeep)
        #expect(error?.offset == 32)
        #expect(throws: JSONError.self) {
            try StrictJSON.parse([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000))
        }
        let objects = Array(String(repeating: #"{"a":"#, count: 40).utf8)
        #expect(throws: JSONError.self) { try StrictJSON.parse(objects) }
        #expect(throws: Never.self) { try StrictJSON.parse(nested(40), limits: .init(maximumDepth: 40)) }
        #expect(throws: Never.self) { try StrictJSON.parse(Array("[[],[],[[]]]".utf8), limits: .init(maximumDepth: 3)) }
    }

    @Test(arguments: [(2, 0), (16, 0), (17, 0), (17, 16), (40, 0), (40, 20), (40, 39)])
    func findsADuplicateInObjectsOfAnySize(count: Int, again: Int) {
        let names = (0..<count).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(throws: Never.self) { try StrictJSON.parse(Array("{\(names)}".utf8)) }
        let error = #expect(throws: JSONError.self) { try StrictJSON.parse(Array("{\(names),\"k\(again)\":1}".utf8)) }
        #expect(error?.code == .duplicateName)
    }

    @Test func boundsTheSize() {
        #expect(throws: Never.self) { try StrictJSON.parse(Array("[12]".utf8), limits: .init(maximumBytes: 4)) }
        let error = #expect(throws: JSONError.self) {
            try StrictJSON.parse(Array("[123]".utf8), limits: .init(maximumBytes: 4))
        }
        #expect(error?.code == .tooLarge)
    }

    @Test func keepsNumbersExactly() throws {
        let value = try StrictJSON.parse(Array("[9007199254740993, 1.0, 1e3, 0.1, 99999999999999999999, 1e-400]".utf8))
        let numbers = try #require(value.array)
        #expect(numbers.map(\.int) == [9_007_199_254_740_993, 1, 1000, nil, nil, 0])
        #expect(numbers[3].double == 0.1)
        #expect(numbers[4].double == 1e20)
        #expect(JSONWriter.string(of: numbers[0]) == "9007199254740993")
        let digits = String(repeating: "1", count: 600)
        #expect(throws: JSONError.self) { try StrictJSON.parse(Array(digits.utf8)) }
    }

    @Test(arguments: [
        (JSONValue.integer(-5), "-5"), (.double(12), "12"), (.double(12.34), "12.34"), (.double(0.1), "0.1"),
        (.double(-0.5), "-0.5"), (.double(1e300), "1e+300"), (.double(.infinity), "null"), (.double(.nan), "null"),
        (.rounded(12.345678), "12.346"), (.rounded(3), "3"), (.rounded(.infinity), "null"),
    ])
    func writesNumbersInTheirShortestForm(value: JSONValue, text: String) throws {
        #expect(JSONWriter.string(of: value) == text)
        #expect(throws: Never.self) { try StrictJSON.parse(Array(text.utf8)) }
    }

    @Test func takesNullForAbsentAndKeepsOrder() throws {
        var object = JSONObject(["z": 1, "a": nil, "m": .null])
        #expect(object["a"] == nil)
        #expect(object["m"] == nil)
        object.set("b", true)
        object.set("z", "new")
        #expect(JSONWriter.string(of: .object(object)) == #"{"z":"new","m":null,"b":true}"#)
        object.set("m", nil)
        #expect(object.members.map(\.name) == ["z", "b"])
    }

    @Test func acceptsNothingThatAnotherParserRefuses() {
        var random = SplitMix64(seed: 20_261_123)
        let seeds = [#"{"a":[1,2.5e3,{"b":"x\u00e4\n"}],"c":null,"d":"ä😀"}"#, #"[true,false,"\ud83d\ude00",-0.0,{}]"#]
        var accepted = 0
        for index in 0..<20_000 {
            let bytes = random.mutated(Array(seeds[index % seeds.count].utf8))
            guard let value = try? StrictJSON.parse(bytes) else { continue }
            accepted += 1
            #expect(throws: Never.self, "\(bytes)") {
                try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            }
            let written = JSONWriter.bytes(of: value)
            #expect((try? StrictJSON.parse(written)) == value)
        }
        #expect(accepted > 500)
    }
}
