// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// What the tenant wants done with a connection.
struct Reply: Sendable {
    enum Outcome: Sendable {
        case answer(Answer)
        case noAnswer(Transport)
    }

    /// How long to wait first.
    var delay = Duration.zero
    var outcome: Outcome

    init(_ answer: Answer) {
        outcome = .answer(answer)
    }

    init(_ transport: Transport) {
        outcome = .noAnswer(transport)
    }

    /// The status, or what takes its place, for the log.
    var label: String {
        switch outcome {
        case .answer(let answer): "\(answer.status)"
        case .noAnswer(let transport): transport.rawValue
        }
    }
}

/// An HTTP answer.
struct Answer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        case artifact(ArtifactTransfer)
        /// The size and SHA-256 of an artifact as JSON; it takes a while to compute.
        case digest(ArtifactContent)
    }

    var status: Int
    var headers: [(name: String, value: String)] = []
    var body = Body.bytes([])

    /// A JSON answer; `value` is one of this module's own types, which always encode.
    static func json(_ status: Int, _ value: some Encodable) -> Answer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(value)) ?? Data("null".utf8)
        return Answer(
            status: status, headers: [("Content-Type", "application/json")], body: .bytes(Array(data)))
    }

    /// An error as the API words it.
    static func error(_ status: Int, _ error: String, _ message: String) -> Answer {
        .json(status, ["error": error, "message": message])
    }

    func with(_ name: String, _ value: String) -> Answer {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }
}

/// The bytes of a download, and how the connection ends.
struct ArtifactTransfer: Sendable {
    enum Ending: Sendable {
        case complete
        case close
        case reset
        case stall
    }

    var content: ArtifactContent
    /// The bytes that are really sent.
    var sent: Range<Int>
    /// What `Content-Length` says; nil for chunked transfer coding.
    var announced: Int?
    var ending = Ending.complete
    var bytesPerSecond: Int?
    /// Under which number the log keeps this download.
    var number = 0
}
