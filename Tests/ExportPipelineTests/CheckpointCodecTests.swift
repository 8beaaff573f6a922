// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

/// A document of the bucket never ends the process that reads it: what it cannot mean is refused.
struct CheckpointCodecTests {
    private func document(_ changes: [String: JSONValue]) throws -> [UInt8] {
        let checkpoint = Checkpoint(
            commandID: "c1", tenant: "acme", fingerprint: "f", runID: "run-1", epoch: 1, owner: "host/7", nonce: "n",
            messageToken: "", stage: .triggered, claimedAt: RenderingSamples.moment,
            job: ExportJob(jobID: "j", exportID: "e"), jobSeconds: 2)
        var object = try #require(StrictJSON.parse(try CheckpointCodec.encode(checkpoint)).object)
        for (name, value) in changes { object.set(name, value) }
        return JSONWriter.bytes(of: object)
    }

    @Test func refusesToWriteWhatIsNoNumber() throws {
        var checkpoint = try CheckpointCodec.decode(try document([:]))
        checkpoint.jobSeconds = .nan
        #expect(throws: UnreadableState.self) { try CheckpointCodec.encode(checkpoint) }
    }

    /// Whoever takes over adds one to the epoch, and makes a duration of the seconds.
    @Test(arguments: [
        ("epoch", JSONValue.integer(.max)), ("runs", .integer(.max)), ("attempts", .integer(.max)),
        ("epoch", .integer(-1)), ("jobSeconds", .double(1e300)), ("jobSeconds", .integer(-1)),
    ]) func refusesNumbersThatNobodyCountedTo(_ name: String, _ value: JSONValue) throws {
        let bytes = try document([name: value])
        let error = #expect(throws: UnreadableState.self) { try CheckpointCodec.decode(bytes) }
        #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
    }

    @Test func saysWhatIsWrongInOneLine() throws {
        let bytes = try document([
            "commandId": .string("a\u{1B}\n\u{202E}\(String(repeating: "x", count: 5000))"), "epoch": -1,
        ])
        let error = #expect(throws: UnreadableState.self) { try CheckpointCodec.decode(bytes) }
        let message = try #require(error?.message)
        #expect(message.utf8.count <= 1024)
        #expect(!message.unicodeScalars.contains(where: RemoteText.isUnsafe))
    }

    @Test func readsWhatItWrote() throws {
        let checkpoint = try CheckpointCodec.decode(try document([:]))
        #expect(checkpoint.jobSeconds == 2)
        let again = try CheckpointCodec.decode(try CheckpointCodec.encode(checkpoint))
        #expect(again == checkpoint)
        // The same value is always the same bytes.
        var decided = checkpoint
        decided.stage = .decided
        decided.upload = Checkpoint.Upload(key: "k", uploadID: "u")
        decided.replaces = "v"
        for outcome in [RenderingSamples.success(), RenderingSamples.failure()] {
            decided.outcome = outcome
            let written = try #require(StrictJSON.parse(try CheckpointCodec.encode(decided)).object)
            for names in [written.members.map(\.name), written["outcome"]?.object?.members.map(\.name) ?? []] {
                #expect(names == names.sorted() && names.count > 10)
            }
        }
        // Seconds of a job that is none are nobody's.
        let jobless = try CheckpointCodec.decode(try document(["stage": "claimed", "jobId": .null]))
        #expect(jobless.job == nil && jobless.jobSeconds == 0)
    }
}
