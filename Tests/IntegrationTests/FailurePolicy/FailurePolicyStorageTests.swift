// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import ExportPipeline
import HTTPTransport
import ObjectStore
import Testing

/// What lies under the artifact's key already, and what HEAD says of what was stored.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyStorageTests {
    private static let large = 12 << 20

    /// The export id is known once the job is there; the job ends only when an object has been put under its key.
    @Test func anObjectThatIsThereAlready() async throws {
        let rows: [PolicyRow] = [
            .fails("policy-other", .objectConflict, at: .transfer),
            .fails("policy-other-size-12MiB", .objectConflict, at: .transfer),
            .succeeds("policy-equal"),
            .succeeds("policy-equal-size-12MiB", size: Self.large),
        ]
        var configuration = SimulatorConfiguration.policy
        configuration.rules = [Self.jobsTake(.seconds(3600))]
        var other: [String: String] = [:]
        try await Stack.play(
            rows, simulator: configuration,
            meanwhile: { stack in
                let jobs = try await Self.jobs(of: rows, in: stack.simulator)
                for (row, job) in zip(rows, jobs) {
                    let key = "nlu-exports/\(row.model)/1.0.0/\(job.exportID).onnx"
                    let info = try await Self.occupy(key, for: row, job, stack)
                    if !row.isSuccess { other[key] = info.etag }
                }
                stack.simulator.add(Self.jobsTake(.milliseconds(1)))
                return Set(other.keys)
            },
            then: { stack, _ in
                for (key, etag) in other {
                    let info = try await stack.store.head(key)
                    #expect(info.etag == etag, "untouched")
                }
            })
        #expect(other.count == 2)
    }

    private static func jobsTake(_ duration: Duration) -> Rule {
        let poll = PollBehaviour(duration: HumanDuration(duration))
        return Rule(match: .init(model: "policy-*"), behaviour: Behaviour(poll: poll))
    }

    /// The job of each row, once all are there.
    private static func jobs(of rows: [PolicyRow], in simulator: Simulator) async throws -> [JobRecord] {
        let requests = simulator.requests()
        func found() -> [JobRecord] {
            let jobs = simulator.log.jobs
            return rows.compactMap { row in jobs.first { $0.modelID == row.model } }
        }
        if found().count < rows.count {
            for await _ in requests where found().count == rows.count { break }
        }
        let jobs = found()
        try #require(jobs.count == rows.count)
        return jobs
    }

    /// Puts the row's own artifact under the key for a success, other bytes of the same size for a failure.
    private static func occupy(
        _ key: String, for row: PolicyRow, _ job: JobRecord, _ stack: Stack
    ) async throws -> S3ObjectInfo {
        let size = row.model.contains("12MiB") ? large : PolicyRow.artifactSize
        let version = row.isSuccess ? row.version : "another"
        let content = ArtifactContent(model: row.model, version: version, size: size)
        let metadata = ["command-id": row.commandID, "export-id": job.exportID]
        _ = try await stack.store.put(
            key, .bytes(content.bytes(0..<size)), options: S3PutOptions(metadata: metadata, condition: .absent))
        return try await stack.store.head(key)
    }

    /// A key that no store takes: told before anything is sent.
    @Test func aKeyThatIsTooLong() async throws {
        let model = "policy-" + String(repeating: "k", count: 121)
        let segments = Array(repeating: "{modelId}", count: 8).joined(separator: "/")
        try await Stack.play([.fails(model, .storageRefused, at: .transfer, says: ["1024"])]) { variables in
            variables["NLU_EXPORT_S3_KEY_TEMPLATE"] = "nlu-exports/\(segments)/{exportId}.{extension}"
        } then: { _, aftermath in
            #expect(aftermath.log.downloads.isEmpty)
        }
    }

    /// Encryption at rest is what HEAD reports, not what was wished for.
    @Test func encryptionIsReportedAsItIs() async throws {
        try await Stack.run(simulator: .policy) { variables in
            Stack.forTables(&variables)
            variables["NLU_EXPORT_S3_ENCRYPTION"] = "none"
        } _: { stack in
            let row = PolicyRow.succeeds("policy-plain")
            let aftermath = try await stack.aftermath {
                try await stack.publish(row)
                _ = try await stack.events.end(of: row.commandID)
            }
            let event = try #require(aftermath.finals(of: row.commandID).first)
            let key = try #require(stack.key(of: event))
            #expect(try await stack.store.head(key).encryption == nil)
            let audit = try #require(aftermath.audits(of: row.commandID).first)
            #expect(audit.outcome == "SUCCESS")
            #expect(
                audit.flags == ["encrypted_at_rest": false, "scope_validated": true, "version_constrained": true])
        }
    }
}
