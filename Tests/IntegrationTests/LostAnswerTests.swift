// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import ObjectStore
import TestKit
import Testing

/// A write that took effect and whose answer was lost: the worker finds out what became of it, and everything happens
/// once.
@Suite(.enabled(if: Stack.isAvailable)) struct LostAnswerTests {
    /// A request whose answer is lost.
    struct Lost: Sendable, CustomTestStringConvertible {
        let what: String
        var method = "PUT"
        var path = ""
        var query = ""
        /// So many like it get their answers before.
        var after = 0
        /// Uploads that are begun twice for it; the bucket's lifecycle rule collects the first.
        var leftOver = 0

        var testDescription: String { what }
    }

    /// How far an answer comes before the connection ends: nothing of it, or its first line.
    static let lines = [0, 1]

    static let inOnePiece = [
        Lost(what: "claim", path: "/state/default/"),
        Lost(what: "triggered", path: "/state/default/", after: 1),
        Lost(what: "decided", path: "/state/default/", after: 2),
        Lost(what: "artifact", path: "/nlu-exports/"),
        Lost(what: "audit record", path: "/audit/"),
    ]

    static let inParts = [
        Lost(what: "begin of the upload", method: "POST", path: "/nlu-exports/", query: "uploads", leftOver: 1),
        Lost(what: "upload noted", path: "/state/default/", after: 2),
        Lost(what: "part", path: "/nlu-exports/", query: "partNumber=2"),
        Lost(what: "completion", method: "POST", path: "/nlu-exports/", query: "uploadId="),
        Lost(what: "decided", path: "/state/default/", after: 3),
    ]

    @Test(arguments: inOnePiece, lines) func singlePut(_ lost: Lost, lines: Int) async throws {
        try await completesOnce(model: "size-20KiB-lost", lost, lines)
    }

    @Test(arguments: inParts, lines) func multipart(_ lost: Lost, lines: Int) async throws {
        try await completesOnce(model: "size-20MiB-lost", lost, lines)
    }

    private func completesOnce(model: String, _ lost: Lost, _ lines: Int) async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let rule = proxy.add(
                .loseAnswer(afterLines: lines), method: lost.method, path: lost.path, query: lost.query,
                after: lost.after, times: 1)
            let log = LogWatch()
            var id = ""
            try await stack.withWorkers(logger: log.logger) {
                id = try await stack.submit(model: model)
                _ = try await stack.events.end(of: id)
            }
            #expect(rule.hits == 1)
            #expect(log.settlements == ["acknowledge"], "\(log.text)")
            try await stack.expectCompleted([id], uploads: lost.leftOver)
            #expect(try await stack.checkpoint(of: id).epoch == 1, "the run stayed its owner's")
        }
    }
}
