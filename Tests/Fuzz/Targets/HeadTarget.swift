// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

@testable import HTTPTransport

extension FuzzTarget {
    /// Lines as libcurl hands them over, each with its line end.
    static let head = FuzzTarget(name: "head", summary: "the head of an HTTP answer") { input in
        var parser = HeadParser()
        var rest = input[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let event = parser.consume(Array(rest[...end]))
            rest = rest[(end + 1)...]
            if case .malformed(let why) = event {
                try claimPrintable(why, "the reason")
                return
            }
            try claim((event == .complete) == parser.isComplete || event == .more, "complete and not complete")
        }
        guard parser.isComplete else { return }
        let head = parser.head
        try claim((200...999).contains(head.status), "the status \(head.status)")
        try claim((head.contentLength ?? 0) >= 0, "a length of \(head.contentLength ?? 0)")
        var names = 0
        for (name, value) in head.headers {
            names += name.utf8.count + value.utf8.count
            try claim(!value.contains("\n") && !name.contains("\n"), "a line end inside \(name)")
            try claim(head.headers.all(name).contains(value), "\(name) is not found by its name")
        }
        try claim(names <= HeadParser.maximumBytes * 3, "\(names) bytes of fields")
    }
}
