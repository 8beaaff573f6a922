// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Worker

@Suite struct CommandLineSubmissionTests {
    private func parse(
        _ text: String, _ defaults: SubmissionDefaults = SubmissionDefaults()
    ) throws(SubmissionError) -> [Submission] {
        try SubmissionText.parse(Array(text.utf8), name: "models.jsonl", defaults: defaults)
    }

    @Test func readsLinesAndSkipsEmptyOnes() throws {
        let text = """
            {"modelId": "a", "version": "1"}

            {"commandId": "c", "tenant": "t", "modelId": "b", "version": "2", "format": "PMML",\
             "metadata": {"x": "y"}, "format": null}
              \t\r
            """.split(separator: ", \"format\": null").joined()
        #expect(
            try parse(text) == [
                Submission(modelID: "a", version: "1"),
                Submission(
                    modelID: "b", version: "2", format: "PMML", tenant: "t", commandID: "c", metadata: ["x": "y"]),
            ])
    }

    @Test func linesWinOverDefaults() throws {
        let defaults = SubmissionDefaults(
            format: "ONNX", tenant: "t", queue: "q", metadata: ["a": "default", "b": "default"])
        let line = #"{"modelId": "m", "version": "1", "tenant": "own", "format": null, "metadata": {"a": "own"}}"#
        #expect(
            try parse(line, defaults) == [
                Submission(
                    modelID: "m", version: "1", format: "ONNX", tenant: "own",
                    metadata: ["a": "own", "b": "default"], queue: "q")
            ])
    }

    static let wrong = [
        (#"{"modelId": "a"}"#, "line 1: the field version is missing"),
        (#"{"version": "1", "modelId": null}"#, "line 1: the field modelId is missing"),
        (#"{"modelId": "a", "version": 1.4}"#, "line 1: the field version is a number, not text"),
        (#"{"modelId": true, "version": "1"}"#, "line 1: the field modelId is a truth value, not text"),
        (#"{"modelId": ["a"], "version": "1"}"#, "line 1: the field modelId is a list, not text"),
        (#"{"modelId": "", "version": "1"}"#, "line 1: the field modelId is empty"),
        (#"{"modelID": "a", "version": "1"}"#, "line 1: the field modelID is unknown; did you mean modelId?"),
        (#"{"modelId": "a", "version": "1", "metadata": []}"#, "line 1: the field metadata is a list, not an object"),
        (
            #"{"modelId": "a", "version": "1", "metadata": {"k": 1}}"#,
            "line 1: the field metadata.k is a number, not text"
        ),
        ("\n\n{", "line 3: it is no valid JSON"),
        ("[1]", "line 1: it is a list, not an object"),
        ("\"a\"", "line 1: it is text, not an object"),
        ("\n\n", "holds no command"),
    ]

    @Test(arguments: wrong)
    func namesLineAndField(text: String, problem: String) throws {
        let error = try #require(throws: SubmissionError.self) { try parse(text) }
        #expect(error.code == .invalid)
        #expect(error.description.contains(problem), "\(error)")
        #expect(error.description.hasPrefix("models.jsonl"))
    }

    @Test func tellsSeveralProblemsButNotAllOfThousands() throws {
        let error = try #require(throws: SubmissionError.self) {
            try parse(String(repeating: "x\n", count: 5000))
        }
        #expect(error.problems.count == SubmissionText.maximumProblems + 1)
        #expect(error.problems.last == "… and 4980 more")
    }

    @Test func refusesALineThatNoWorkerWouldTake() throws {
        let line = #"{"modelId": "\#(String(repeating: "a", count: 70_000))", "version": "1"}"#
        let error = try #require(throws: SubmissionError.self) { try parse(line) }
        #expect(error.description.contains("line 1: the line is longer than 64KiB"))
    }

    @Test func readsAFile() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(#"{"modelId": "a", "version": "1"}"#, to: "models.jsonl")
        #expect(try SubmissionText.read(path, defaults: SubmissionDefaults()).map(\.modelID) == ["a"])
        let error = try #require(throws: SubmissionError.self) {
            try SubmissionText.read("/nowhere.jsonl", defaults: SubmissionDefaults())
        }
        #expect(error.code == .unreadable && error.description.contains("No such file"))
    }

    @Test func metadataIsKeyAndValue() throws {
        #expect(try SubmissionText.metadata(["a=b", "c=d=e", "f="]) == ["a": "b", "c": "d=e", "f": ""])
        for wrong in [["a"], ["=b"], ["a=1", "a=2"]] {
            #expect(throws: SubmissionError.self) { try SubmissionText.metadata(wrong) }
        }
    }
}
