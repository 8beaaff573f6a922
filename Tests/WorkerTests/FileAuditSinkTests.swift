// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Foundation
import Testing

@testable import Worker

/// The audit file: every record on a line of its own, whatever happened to the file before.
@Suite struct FileAuditSinkTests {
    private func withFile(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory.appending(path: "audit.jsonl").path)
    }

    private func record(_ run: Int) -> AuditRecord {
        AuditRecord(
            rendering: Outcome(
                runID: "run-\(run)", timestamp: Timestamp(milliseconds: 1_763_000_000_000), durationSeconds: 1,
                commandID: "c\(run)", tenant: "default", modelID: "m", version: "1", format: "ONNX",
                failure: Failure(code: .exportFailed, stage: .poll, message: "no"), worker: "h/1", actor: "a"))
    }

    private func lines(_ path: String) throws -> [Substring] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasSuffix("\n"))
        return text.split(separator: "\n")
    }

    @Test func manyAtOnceEachGetALine() async throws {
        try await withFile { path in
            let sink = FileAuditSink(path: path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for run in 0..<100 { group.addTask { try await sink.write(record(run)) } }
                try await group.waitForAll()
            }
            let written = try lines(path)
            #expect(Set(written) == Set((0..<100).map { Substring(String(decoding: record($0).bytes, as: UTF8.self)) }))
            #expect(written.count == 100)
        }
    }

    @Test func tornLastLineIsEndedBeforeTheNextRecord() async throws {
        try await withFile { path in
            try Data(#"{"log_type":"nlu_exp"#.utf8).write(to: URL(filePath: path))
            try await FileAuditSink(path: path).write(record(1))
            let written = try lines(path)
            #expect(written.count == 2)
            #expect(written.last.map(String.init) == String(decoding: record(1).bytes, as: UTF8.self))
        }
    }

    @Test func fileThatEndsWellGetsNoEmptyLine() async throws {
        try await withFile { path in
            try await FileAuditSink(path: path).write(record(1))
            try await FileAuditSink(path: path).write(record(2))
            #expect(try String(contentsOfFile: path, encoding: .utf8).contains("\n\n") == false)
            #expect(try lines(path).count == 2)
        }
    }

    @Test func rotatedFileIsMadeAnew() async throws {
        try await withFile { path in
            let sink = FileAuditSink(path: path)
            try await sink.write(record(1))
            try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
            try await sink.write(record(2))
            #expect(try lines(path).count == 1)
            #expect(try lines(path + ".1").count == 1)
        }
    }

    @Test func whatCannotBeWrittenIsAFaultOfTheSurroundings() async throws {
        try await withFile { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let sink = FileAuditSink(path: path)
            let failed = await #expect(throws: StepError.self) { try await sink.write(record(1)) }
            #expect(failed?.kind == .surroundings(.auditSink("file")))
            #expect(failed?.message.contains(path) == true)
            try FileManager.default.removeItem(atPath: path)
            try await sink.write(record(1))
            #expect(try lines(path).count == 1)
        }
    }

    @Test func fullDiskIsNamed() async throws {
        let error = await #expect(throws: StepError.self) {
            try await FileAuditSink(path: "/dev/full").write(record(1))
        }
        #expect(error?.message.contains("No space left on device") == true)
    }
}
