// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a fault proxy does to the requests a rule is for.
package enum HTTPFault: Sendable {
    /// Answers by itself and forwards nothing.
    case answer(status: Int, headers: [String] = [], body: String = "")
    /// Forwards and waits for the whole answer, of which only the first so many lines reach the client before the
    /// connection closes: the request has had its effect.
    case loseAnswer(afterLines: Int = 0)
    /// Forwards, and changes the head of the answer.
    case change(@Sendable (inout HTTPHead) -> Void)
    /// Breaks the connection and forwards nothing.
    case cut
    /// Keeps the request until the rule is ended, then forwards it.
    case hold
}

/// A fault, the requests it is for, and how often it struck.
package final class HTTPFaultRule: Sendable {
    private struct State: Sendable {
        var matched = 0
        var hits = 0
        var served = 0
        var isEnded = false
    }

    let method: String?
    let path: String
    let query: String
    let fault: HTTPFault
    private let range: Range<Int>
    private let state = Watched(State())
    private let released = TestSignal()

    init(_ fault: HTTPFault, method: String?, path: String, query: String, after: Int, times: Int?) {
        self.fault = fault
        self.method = method
        self.path = path
        self.query = query
        range = after..<(times.map { after + $0 } ?? .max)
    }

    /// How many requests it has hit.
    package var hits: Int { state.value.hits }

    /// Waits until it has hit so many requests; false once the bound is over.
    package func wait(forHits count: Int, atMost bound: Duration = .seconds(120)) async -> Bool {
        await state.wait(atMost: bound) { $0.hits >= count }
    }

    /// Waits until all that it held has been forwarded and answered (or was cut off); false once the bound is over.
    package func waitUntilServed(atMost bound: Duration = .seconds(120)) async -> Bool {
        await state.wait(atMost: bound) { $0.isEnded && $0.served == $0.hits }
    }

    /// Hits nothing any more, and lets go of what it holds.
    package func end() {
        state.update { $0.isEnded = true }
        released.fire()
    }

    /// Whether a request with that head is to be hit; counts it.
    func takes(_ head: HTTPHead) -> Bool {
        guard method == nil || method == head.method, head.path.contains(path), head.query.contains(query) else {
            return false
        }
        return state.update { state in
            guard !state.isEnded else { return false }
            defer { state.matched += 1 }
            guard range.contains(state.matched) else { return false }
            state.hits += 1
            return true
        }
    }

    /// Blocks the calling thread until the rule is ended, and notes when the request has been served.
    func hold<Result>(_ serve: () -> Result) -> Result {
        released.waitBlocking()
        defer { state.update { $0.served += 1 } }
        return serve()
    }
}

/// The head of a request or of an answer, as it came over the wire.
package struct HTTPHead: Sendable {
    /// The request line or the status line.
    package var line: String
    /// The header lines.
    package var fields: [String]

    /// Reads what came up to the empty line.
    init(_ bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").map(String.init)
        line = lines.first ?? ""
        fields = Array(lines.dropFirst())
    }

    var text: String { ([line] + fields).joined(separator: "\r\n") + "\r\n\r\n" }
    var method: String { word(0) }
    var path: Substring { word(1).prefix { $0 != "?" } }
    var query: Substring { word(1).drop { $0 != "?" }.dropFirst() }
    /// The status of an answer; 0 where there is none.
    var status: Int { Int(word(1)) ?? 0 }

    /// The first value of a field, by name without case; setting it replaces every such field, nil removes them.
    package subscript(_ name: String) -> String? {
        get {
            let prefix = name.lowercased() + ":"
            return fields.first { $0.lowercased().hasPrefix(prefix) }.map {
                String($0.dropFirst(prefix.count).drop { $0 == " " })
            }
        }
        set {
            fields.removeAll { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            if let newValue { fields.append("\(name): \(newValue)") }
        }
    }

    private func word(_ index: Int) -> String {
        let words = line.split(separator: " ")
        return index < words.count ? String(words[index]) : ""
    }
}
