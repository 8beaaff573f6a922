// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Logging
internal import NullStore
internal import ObjectStore
internal import Testing

/// The store as the worker's own client finds it.
@Suite struct NullStoreTests {
    private static let logger = Logger(label: "null-store-tests", factory: { _ in SwiftLogNoOpLogHandler() })

    private func withStore(secret: String = "secret", _ body: (S3Client) async throws -> Void) async throws {
        let store = try await NullStore.start(
            port: 0, verifier: SignatureVerifier(accessKey: "key", secretKey: "secret"), threads: 1)
        let http = HTTPClient(configuration: HTTPClientConfiguration(), logger: Self.logger)
        let client = S3Client(
            configuration: try S3Configuration(
                bucket: "bench", endpoint: "http://127.0.0.1:\(store.port)", encryption: .aes256),
            credentials: StaticCredentials(S3Credentials(accessKeyID: "key", secretAccessKey: secret)),
            transport: http, logger: Self.logger)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(client)) } catch { outcome = .failure(error) }
        await http.shutdown()
        try await store.stop()
        try outcome.get()
    }

    @Test func isWhatTheWorkerAsksOfAStore() async throws {
        try await withStore { client in
            try await client.createBucket()
            try await client.headBucket()
            #expect(try await StorageProbe(client).run(key: "probe/a b+c").faults == [])
            #expect(try await StorageProbe(client).runChecksums(key: "probe/ü").faults == [])
        }
    }

    @Test func tellsAgainWhatItWasTold() async throws {
        try await withStore { client in
            try await client.createBucket()
            let options = S3PutOptions(contentType: "application/json", metadata: ["command-id": "one"])
            let put = try await client.put("state/one.json", .bytes([1, 2, 3]), options: options)
            let read = try await client.get("state/one.json", maximumBytes: 10)
            #expect(read.bytes == [1, 2, 3])
            #expect(read.info.etag == put.etag)
            let info = try await client.head("state/one.json")
            #expect(info.size == 3)
            #expect(info.encryption == "AES256")
            #expect(info.metadata == ["command-id": "one"])
            #expect(info.fullCRC32C == put.checksum)
            try await client.delete("state/one.json")
            #expect(await kind { _ = try await client.head("state/one.json") } == .notFound)
        }
    }

    @Test func listsPageByPage() async throws {
        try await withStore { client in
            try await client.createBucket()
            for name in ["b/2", "a", "b/1", "b/3"] { _ = try await client.put(name, .bytes([0])) }
            let first = try await client.list(prefix: "b/", limit: 2)
            #expect(first.objects.map(\.key) == ["b/1", "b/2"])
            let second = try await client.list(prefix: "b/", after: first.next, limit: 2)
            #expect(second.objects.map(\.key) == ["b/3"])
            #expect(second.next == nil)
        }
    }

    @Test func putsPartsTogether() async throws {
        try await withStore { client in
            try await client.createBucket()
            let large = [UInt8](repeating: 7, count: 5 << 20)
            let id = try await client.createMultipartUpload("large")
            let pending = try await client.listMultipartUploads(prefix: "lar")
            #expect(pending.map(\.uploadID) == [id])
            var whole = CRC32C(large)
            whole.append(CRC32C([8]), length: 1)
            let parts = [
                try await client.uploadPart("large", uploadID: id, number: 1, .bytes(large), checksum: CRC32C(large)),
                try await client.uploadPart("large", uploadID: id, number: 2, .bytes([8]), checksum: CRC32C([8])),
            ]
            _ = try await client.completeMultipartUpload(
                "large", uploadID: id, parts: parts, checksum: whole, condition: .absent)
            let info = try await client.head("large")
            #expect(info.size == (5 << 20) + 1)
            #expect(info.fullCRC32C == whole.base64)
            #expect(await kind { try await client.abortMultipartUpload("large", uploadID: id) } == nil)
        }
    }

    @Test func refusesAWrongSecret() async throws {
        try await withStore(secret: "other") { client in
            #expect(await kind { _ = try await client.put("a", .bytes([1])) } == .badSignature)
        }
    }

    private func kind(_ body: () async throws -> Void) async -> S3Error.Kind? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? S3Error)?.kind
        }
    }
}
