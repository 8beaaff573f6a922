// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The form most inputs have, so that a corpus can be read and written by hand: lines `name: value`, an empty line, and
/// the rest as it is. Without an empty line everything is the rest.
struct HeadedText {
    /// In their order; bytes that are no UTF-8 are replaced.
    private(set) var fields: [(name: String, value: String)] = []
    let body: [UInt8]

    init(_ input: [UInt8]) {
        let newline = UInt8(ascii: "\n")
        guard let end = input.indices.dropLast().first(where: { input[$0] == newline && input[$0 + 1] == newline })
        else {
            body = input
            return
        }
        body = Array(input[(end + 2)...])
        for line in input[..<end].split(separator: newline) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let value = parts[1].first == UInt8(ascii: " ") ? parts[1].dropFirst() : parts[1]
            fields.append((String(decoding: parts[0], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The body's text up to the first line end, and what follows it.
    static func firstLine(of bytes: [UInt8]) -> (line: String, rest: [UInt8]) {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        return (String(decoding: line, as: UTF8.self), Array(bytes.dropFirst(line.count + 1)))
    }
}
