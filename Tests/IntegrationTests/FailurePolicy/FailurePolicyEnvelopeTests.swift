// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import Crypto
import ExportPipeline
import Foundation
import ObjectStore
import Testing

/// CloudEvents in, context carried through, and audit records as lines of a file.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyEnvelopeTests {
    private static let source = "https://training.example/pipelines/7"

    private struct Trace {
        let id: String
        var parent: String { "00-\(id)-00f067aa0ba902b7-01" }
    }

    @Test func structuredCloudEvents() async throws {
        let trace = Trace(id: "4bf92f3577b34da6a3ce929d0e0e4736")
        let body = """
            {"specversion":"1.0","id":"event-1","source":"\(Self.source)","type":"com.example.trained",
             "traceparent":"\(trace.parent)","data":{"modelId":"policy-structured","version":"1.0.0"}}
            """
        let properties = AMQPProperties(
            contentType: "application/cloudevents+json; charset=utf-8", deliveryMode: .persistent,
            correlationID: "order-66", messageID: UUID().uuidString)
        try await play(body, properties, model: "policy-structured", eventID: "event-1", trace)
    }

    @Test func binaryCloudEvents() async throws {
        let trace = Trace(id: "0af7651916cd43dd8448eb211c80319c")
        let properties = AMQPProperties(
            contentType: "application/json",
            headers: [
                "ce-specversion": "1.0", "ce-id": "event-2", "ce-source": .string(Self.source),
                "ce-type": "com.example.trained", "traceparent": .string(trace.parent),
            ], deliveryMode: .persistent, correlationID: "order-66", messageID: UUID().uuidString)
        try await play(
            #"{"modelId":"policy-binary","version":"1.0.0"}"#, properties, model: "policy-binary", eventID: "event-2",
            trace)
    }

    /// The event twice is one command; its context is on every call, in the event and in the record.
    private func play(
        _ body: String, _ properties: AMQPProperties, model: String, eventID: String, _ trace: Trace
    ) async throws {
        let digest = SHA256.hash(data: Data("\(Self.source)\n\(eventID)".utf8))
        let commandID = "ce-" + digest.map { String(format: "%02x", $0) }.joined()
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let aftermath = try await stack.aftermath {
                for count in 1...2 {
                    try await stack.publish(Array(body.utf8), properties)
                    let isThere = await stack.events.wait { $0.count { $0.commandID == commandID } == count }
                    try #require(isThere)
                }
            }
            let event = try #require(aftermath.finals(of: commandID).first)
            #expect(event.routingKey == "nlu.export.completed", "\(event.error)")
            #expect(event.header("traceparent") == trace.parent)
            #expect(event.properties.correlationID == "order-66")
            #expect(event.header("ce-subject") == "\(model)/1.0.0")
            #expect(aftermath.audits.map { $0.members["trace_id"] as? String } == [trace.id])
            #expect(aftermath.log.triggers.map(\.commandID) == [commandID])
            let calls = aftermath.log.recent.filter { $0.model == model }
            #expect(Set(calls.map(\.endpoint)) == [.validate, .trigger, .poll, .download])
            #expect(calls.allSatisfy { $0.traceparent == trace.parent })
            #expect(calls.allSatisfy { $0.correlationID == "order-66" })
            #expect(try await stack.artifacts().count == 1)
            #expect(aftermath.letters.isEmpty)
            #expect(aftermath.log.leaks.isEmpty)
        }
    }

    /// The file has the very records of the bucket, a line each, of successes and failures alike.
    @Test func theAuditFile() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "nlu-audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "audit.jsonl")
        // A record that a crash tore: it stays a line of its own.
        try Data(#"{"log_type":"nlu_ex"#.utf8).write(to: file)
        let rows: [PolicyRow] =
            (0..<10).map { .succeeds("policy-file-\($0)") } + [
                .fails("scenario-version-draft", .modelNotTrained, at: .validate),
                .fails("scenario-job-failed", .exportFailed, at: .poll),
            ]
        try await Stack.play(rows) {
            $0["NLU_EXPORT_AUDIT_FILE"] = file.path
        } then: { stack, aftermath in
            let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            #expect(text.hasSuffix("\n"))
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
            #expect(lines.first == #"{"log_type":"nlu_ex"#)
            #expect(Set(lines.dropFirst()) == Set(aftermath.audits.map { String(decoding: $0.bytes, as: UTF8.self) }))
            #expect(lines.count == rows.count + 1)
            for secret in try stack.secrets { #expect(!text.contains(secret.text), "\(secret.name)") }
        }
    }

    /// The file as the only sink: the bucket keeps no record.
    @Test func theAuditFileAlone() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "nlu-audit-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        let row = PolicyRow.succeeds("policy-file")
        try await Stack.run(simulator: .policy) { variables in
            Stack.forTables(&variables)
            variables["NLU_EXPORT_AUDIT_FILE"] = file.path
            variables["NLU_EXPORT_AUDIT_S3_PREFIX"] = ""
        } _: { stack in
            let aftermath = try await stack.aftermath {
                try await stack.publish(row)
                _ = try await stack.events.end(of: row.commandID)
            }
            #expect(aftermath.audits.isEmpty)
            let record = try AuditDocument(key: file.path, bytes: Array(try Data(contentsOf: file)))
            #expect(record.commandID == row.commandID)
            #expect(record.outcome == "SUCCESS")
        }
    }
}
