// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One parser that reads what others wrote, with the promises it has to keep whatever the bytes are.
///
/// The same targets are run by libFuzzer (`ops/fuzz`), which looks for bytes that break a promise, and over the corpus
/// it left by the ordinary unit tests.
struct FuzzTarget: Sendable {
    /// Names the folder of its corpus, too.
    let name: String
    /// What is parsed.
    let summary: String
    /// Throws a `Finding` where a promise is broken; must not trap, hang or remember anything.
    let check: @Sendable ([UInt8]) throws -> Void

    static let all: [FuzzTarget] = [
        .command, .json, .amqp, .checkpoint, .tenant, .dates, .s3, .credentials, .url, .head, .trace, .settings,
        .submission,
    ]

    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// A promise that some input broke.
struct Finding: Error, CustomStringConvertible {
    let description: String
}

/// Ends the check with a finding unless the promise holds.
func claim(_ holds: @autoclosure () throws -> Bool, _ promise: @autoclosure () -> String) throws {
    guard try holds() else { throw Finding(description: promise()) }
}

/// Two readings of the same bytes have to agree.
func claimSame<Value: Equatable>(_ first: Value, _ second: Value, _ what: String) throws {
    try claim(first == second, "\(what): \(String(describing: first)) and \(String(describing: second))")
}

/// A text for people: not empty, at most `limit` bytes, one line, nothing in it that hides.
func claimPrintable(_ text: String, _ what: String, limit: Int = 1024) throws {
    try claim(!text.isEmpty, "\(what) is empty")
    try claim(text.utf8.count <= limit, "\(what) has \(text.utf8.count) bytes: \(text.prefix(200))")
    if let hidden = text.unicodeScalars.first(where: isHidden) {
        throw Finding(description: "\(what) holds U+\(String(hidden.value, radix: 16)): \(text.debugDescription)")
    }
}

/// Written out once more, so that a mistake in the code's own rule does not hide itself.
func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x00AD, 0x061C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2064,
        0x2066...0x206F, 0xFEFF, 0xFFF9...0xFFFB, 0xE0001, 0xE0020...0xE007F:
        true
    default: false
    }
}
