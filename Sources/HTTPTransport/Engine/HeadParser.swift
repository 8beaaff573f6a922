// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The head of an answer.
struct ResponseHead: Sendable {
    var status: Int
    var headers: HTTPHeaders
    /// The announced length of the body; `nil` when it is chunked, ends with the connection, or there is none.
    var contentLength: Int?
}

/// Builds a head from the header lines libcurl hands over one by one, interim answers and trailers included.
struct HeadParser {
    /// What a line meant.
    enum Event: Equatable {
        case more
        case complete
        case malformed(String)
    }

    /// The most bytes of header fields taken in one answer.
    static let maximumBytes = 256 << 10

    private(set) var head = ResponseHead(status: 0, headers: HTTPHeaders(), contentLength: nil)
    private(set) var isComplete = false
    private var bytes = 0

    /// Takes one line with its line end. Lines after the end of the head (trailers) are dropped.
    mutating func consume(_ line: [UInt8]) -> Event {
        guard !isComplete else { return .more }
        bytes += line.count
        guard bytes <= Self.maximumBytes else { return .malformed("its head is over \(Self.maximumBytes) bytes") }
        let text = Self.trimmed(line[...])
        if text.isEmpty { return finish() }
        if text.starts(with: "HTTP/".utf8) { return begin(text) }
        guard head.status != 0 else { return .malformed("it has no status line") }
        if line[0] == UInt8(ascii: " ") || line[0] == UInt8(ascii: "\t") {
            head.headers.extendLast(with: String(decoding: text, as: UTF8.self))
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            let value = Self.trimmed(text[(colon + 1)...])
            head.headers.add(String(decoding: text[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        return .more
    }

    private mutating func begin(_ line: ArraySlice<UInt8>) -> Event {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard parts.count >= 2, parts[1].count == 3, let status = Int(String(decoding: parts[1], as: UTF8.self)),
            (100...999).contains(status)
        else { return .malformed("its status line cannot be read") }
        head = ResponseHead(status: status, headers: HTTPHeaders(), contentLength: nil)
        return .more
    }

    private mutating func finish() -> Event {
        guard head.status != 0 else { return .malformed("it has no status line") }
        guard head.status >= 200 else { return .more }
        let lengths = Set(head.headers.all("content-length"))
        guard lengths.count <= 1 else { return .malformed("it announces two lengths") }
        if let length = lengths.first, head.headers["transfer-encoding"] == nil {
            guard let number = Int(length), number >= 0 else { return .malformed("its length is not a number") }
            head.contentLength = head.status == 204 || head.status == 304 ? nil : number
        }
        isComplete = true
        return .complete
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let last = line.last, last <= 0x20 { line.removeLast() }
        while let first = line.first, first == 0x20 || first == 0x09 { line.removeFirst() }
        return line
    }
}
