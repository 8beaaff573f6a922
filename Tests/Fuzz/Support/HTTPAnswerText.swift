// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import HTTPTransport

/// An HTTP answer as it looks on the wire: head lines, an empty line, the body. The head goes through the real parser.
enum HTTPAnswerText {
    /// Nil where the parser refuses the head or it does not end.
    static func response(_ input: [UInt8]) -> HTTPResponse? {
        var parser = HeadParser()
        var rest = input[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let event = parser.consume(Array(rest[...end]))
            rest = rest[(end + 1)...]
            switch event {
            case .more: continue
            case .malformed: return nil
            case .complete:
                return HTTPResponse(status: parser.head.status, headers: parser.head.headers, body: Array(rest))
            }
        }
        return nil
    }
}
