// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import ObjectStore
internal import Testing

@Suite struct StorageProbeTests {
    @Test func acceptsAStoreThatHonoursConditions() async throws {
        let store = FakeS3()
        store.put("probe", [1])
        let report = try await StorageProbe(try makeClient(store)).run(key: "probe")
        #expect(report.honoursConditions)
        #expect(store.object("probe") == nil)
    }

    @Test(arguments: [
        ("if-none-match", StorageProbe.Fault.ignoresIfNoneMatch), ("if-match", .ignoresIfMatch),
    ]) func findsWhatIsIgnored(_ header: String, _ fault: StorageProbe.Fault) async throws {
        let store = FakeS3()
        store.ignore(header)
        #expect(try await StorageProbe(try makeClient(store)).run(key: "probe").faults == [fault])
        #expect(store.object("probe") == nil)
    }

    @Test func findsARefusalOfTheRightTag() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(412, "PreconditionFailed")), on: "PutObject", times: 2, skipping: 2)
        #expect(try await StorageProbe(try makeClient(store)).run(key: "probe").faults == [.refusesIfMatch])
    }

    @Test func takesTheRefusalOfARepetitionForNoFault() async throws {
        let store = FakeS3()
        // The first write took place, its connection broke, and the client's second try finds another tag.
        store.inject(.after { $0.put("probe", Array("four".utf8)) }, on: "PutObject", skipping: 3)
        #expect(try await StorageProbe(try makeClient(store)).run(key: "probe").faults.isEmpty)
        #expect(store.object("probe") == nil)
    }

    @Test func acceptsAStoreThatComparesChecksums() async throws {
        let store = FakeS3()
        #expect(try await StorageProbe(try makeClient(store)).runChecksums(key: "probe").faults.isEmpty)
        #expect(store.object("probe") == nil && store.pendingUploads == 0)
    }

    @Test func findsAStoreThatComparesNothing() async throws {
        let store = FakeS3()
        store.ignore("checksum")
        let report = try await StorageProbe(try makeClient(store)).runChecksums(key: "probe")
        #expect(report.faults == [.ignoresChecksum, .ignoresFullObjectChecksum])
        #expect(report.honoursConditions)
    }

    @Test func findsAStoreThatKnowsNoFullObjectChecksums() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(400, "InvalidRequest")), on: "CompleteMultipartUpload", times: 2)
        let report = try await StorageProbe(try makeClient(store)).runChecksums(key: "probe")
        #expect(report.faults == [.refusesFullObjectChecksum])
        #expect(store.pendingUploads == 0)
    }

    @Test func throwsWhatKeepsItFromAsking() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(403, "AccessDenied")), on: "PutObject", skipping: 1)
        let error = await failure { _ = try await StorageProbe(try makeClient(store)).run(key: "probe") }
        #expect(error?.kind == .accessDenied)
        #expect(store.object("probe") == nil)
    }
}
