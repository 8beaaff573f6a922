// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HTTPTransport
internal import ObjectStore
internal import Testing

@Suite(.serialized, .enabled(if: ObjectStoreServer.shared != nil, "NLU_TEST_S3_ENDPOINT is not set"))
struct ObjectStoreOperationsTests {
    private let hello = Array("hello world".utf8)

    @Test func putsHeadsGetsListsAndDeletes() async throws {
        try await withTestBucket { client, _ in
            try await client.headBucket()
            let options = S3PutOptions(
                contentType: "application/json", metadata: ["export-id": "e-1", "who": "Jürgen"])
            let put = try await client.put("a/b.json", .bytes(hello), options: options)
            #expect(put.checksum == CRC32C(hello).base64)
            let info = try await client.head("a/b.json")
            #expect(info.size == hello.count)
            #expect(info.etag == put.etag)
            #expect(info.contentType == "application/json")
            #expect(info.metadata == ["export-id": "e-1", "who": "Jürgen"])
            #expect(info.fullCRC32C == CRC32C(hello).base64)
            #expect(try await client.get("a/b.json", maximumBytes: 100).bytes == hello)
            #expect(try await client.listAll(prefix: "a/").map(\.key) == ["a/b.json"])
            try await client.delete("a/b.json")
            try await client.delete("a/b.json")
            #expect(await objectStoreFailure { _ = try await client.head("a/b.json") }?.kind == .notFound)
            let error = await objectStoreFailure { _ = try await client.get("a/b.json", maximumBytes: 100) }
            #expect(error?.kind == .notFound)
            #expect(try await client.listAll().isEmpty)
        }
    }

    @Test func takesAnyKey() async throws {
        let keys = [
            "plain", "with blanks and+plus", "ünïcödé/日本語", "per%20cent%", "a=b&c?d#e", "(x)'!*~_-.$@:;,",
        ]
        try await withTestBucket { client, _ in
            for key in keys {
                _ = try await client.put(key, .bytes(Array(key.utf8)), options: S3PutOptions(condition: .absent))
                #expect(try await client.get(key, maximumBytes: 100).bytes == Array(key.utf8))
            }
            #expect(try await client.listAll().map(\.key).sorted() == keys.sorted())
            for key in keys {
                try await client.delete(key)
                #expect(await objectStoreFailure { _ = try await client.head(key) }?.kind == .notFound)
            }
        }
    }

    @Test func listsPageByPage() async throws {
        try await withTestBucket { client, _ in
            for number in 0..<5 { _ = try await client.put("p/\(number)", .bytes([])) }
            let first = try await client.list(prefix: "p/", limit: 2)
            #expect(first.objects.map(\.key) == ["p/0", "p/1"])
            let second = try await client.list(prefix: "p/", after: first.next, limit: 3)
            #expect(second.objects.map(\.key) == ["p/2", "p/3", "p/4"])
            #expect(try await client.listAll(prefix: "p/").count == 5)
        }
    }

    @Test func honoursConditions() async throws {
        try await withTestBucket { client, _ in
            let report = try await StorageProbe(client).run(key: "probe")
            #expect(report.honoursConditions)
            let checksums = try await StorageProbe(client).runChecksums(key: "probe")
            #expect(checksums.faults.isEmpty)
            #expect(try await client.listMultipartUploads().isEmpty)
            #expect(try await client.listAll().isEmpty)
            let missing = S3PutOptions(condition: .matches("\"0\""))
            let error = await objectStoreFailure { _ = try await client.put("none", .bytes([1]), options: missing) }
            #expect(error?.kind == .notFound || error?.kind == .preconditionFailed)
        }
    }

    /// Eight writers at once: one wins, the others learn that they have not.
    @Test func letsOneWriterWin() async throws {
        try await withTestBucket { client, _ in
            for round in 0..<5 {
                let kinds = await withTaskGroup(of: S3Error.Kind?.self) { group in
                    for writer in 0..<8 {
                        group.addTask {
                            do throws(S3Error) {
                                let options = S3PutOptions(condition: .absent)
                                _ = try await client.put("race-\(round)", .bytes([UInt8(writer)]), options: options)
                                return nil
                            } catch {
                                return error.kind
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(kinds.count { $0 == nil } == 1)
                #expect(kinds.count { $0 == .preconditionFailed || $0 == .conflict } == 7)
            }
        }
    }

    @Test func refusesADamagedObject() async throws {
        try await withTestBucket { client, _ in
            let options = S3PutOptions(checksum: CRC32C(Array("something else".utf8)))
            let error = await objectStoreFailure { _ = try await client.put("k", .bytes(hello), options: options) }
            #expect(error?.kind == .checksumMismatch)
            #expect(await objectStoreFailure { _ = try await client.head("k") }?.kind == .notFound)
        }
    }

    @Test func encryptsAsAsked() async throws {
        try await withTestBucket(encryption: .aes256) { client, _ in
            _ = try await client.put("k", .bytes(hello))
            let info = try await client.head("k")
            #expect(info.encryption == "AES256")
            #expect(client.configuration.encryption.isSatisfied(by: info))
            #expect(!S3Configuration.Encryption.kms(keyID: nil, bucketKey: true).isSatisfied(by: info))
        }
        try await withTestBucket { client, _ in
            _ = try await client.put("k", .bytes(hello))
            #expect(!S3Configuration.Encryption.aes256.isSatisfied(by: try await client.head("k")))
        }
    }

    @Test func locksAnObject() async throws {
        try await withTestBucket(objectLock: true) { client, _ in
            let until = Int64(Date().timeIntervalSince1970) + 60
            let options = S3PutOptions(retention: S3Retention(.governance, until: until))
            let put = try await client.put("k", .bytes(hello), options: options)
            #expect(put.versionID != nil)
            #expect(try await client.head("k").lockMode == "GOVERNANCE")
        }
    }

    @Test func namesWhatIsWrong() async throws {
        let server = try #require(ObjectStoreServer.shared)
        try await withTestBucket { client, http in
            let bucket = client.configuration.bucket
            let wrongSecret = S3Credentials(accessKeyID: server.credentials.accessKeyID, secretAccessKey: "wrong")
            let wrongKey = S3Credentials(accessKeyID: "nobody", secretAccessKey: "wrong")
            for credentials in [wrongSecret, wrongKey] {
                let stranger = try server.client(bucket: bucket, http: http, credentials: credentials)
                let error = await objectStoreFailure { _ = try await stranger.put("k", .bytes([1])) }
                #expect(error?.kind == .badSignature)
                #expect(error?.kind.concernsSurroundings == true)
            }
            let elsewhere = try server.client(bucket: bucket + "-not", http: http)
            #expect(await objectStoreFailure { try await elsewhere.headBucket() }?.kind == .noSuchBucket)
            let error = await objectStoreFailure { _ = try await elsewhere.get("k", maximumBytes: 1) }
            #expect(error?.kind == .noSuchBucket)
        }
    }

    @Test func saysThatNobodyListens() async throws {
        let http = HTTPClient(configuration: HTTPClientConfiguration(), logger: objectStoreTestLogger)
        let configuration = try S3Configuration(
            bucket: "b", endpoint: "http://127.0.0.1:1", retry: S3RetryPolicy(attempts: 2, initial: .milliseconds(1)))
        let client = S3Client(
            configuration: configuration,
            credentials: StaticCredentials(S3Credentials(accessKeyID: "a", secretAccessKey: "b")), transport: http,
            logger: objectStoreTestLogger)
        let error = await objectStoreFailure { try await client.headBucket() }
        #expect(error?.kind == .transport)
        #expect(error?.isRetriable == true)
        #expect(error?.mayHaveHappened == false)
        await http.shutdown()
    }
}
