// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import HTTPTransport
internal import ObjectStore
internal import Testing

@Suite(.serialized, .enabled(if: ObjectStoreServer.shared != nil, "NLU_TEST_S3_ENDPOINT is not set"))
struct ObjectStoreUploadTests {
    private static let mib = 1 << 20

    private func upload(
        _ client: S3Client, _ size: Int, seed: UInt64 = 1, announced: Bool = false, key: String = "model.onnx",
        memory: TransferMemory? = nil, observer: S3UploadObserver = S3UploadObserver()
    ) async throws -> S3UploadResult {
        let memory =
            try memory
            ?? TransferMemory(
                budget: 16 * Self.mib, concurrency: 1, partSize: 5 * Self.mib)
        let bytes = NoiseSource(size, seed: seed)
        return try await S3Uploader(client: client, memory: memory).upload(
            S3Upload(
                key: key, metadata: ["export-id": "e"], finalMetadata: { ["artifact-sha256": $0.sha256] },
                sha256MetadataName: "artifact-sha256"),
            observer: observer
        ) {
            S3UploadSource(announcedBytes: announced ? size : nil) { bytes.fill($0) }
        }
    }

    /// SHA-256 and size of what the store gives back.
    private func stored(_ client: S3Client, _ key: String = "model.onnx") async throws -> (String, Int) {
        let stream = try await client.stream(key)
        let buffer = TransferBuffer(capacity: Self.mib)
        var (hash, size) = (SHA256(), 0)
        while true {
            buffer.count = 0
            guard try await stream.fill(buffer) > 0 else { break }
            unsafe buffer.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
            size += buffer.count
        }
        return (hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(), size)
    }

    @Test(arguments: [true, false]) func storesALargeArtifactInParts(_ announced: Bool) async throws {
        try await withTestBucket(encryption: .aes256) { client, _ in
            let result = try await upload(client, 40 * Self.mib + 17, announced: announced)
            #expect(result.parts == 9)
            let info = try await client.head("model.onnx")
            #expect(info.size == 40 * Self.mib + 17)
            #expect(info.fullCRC32C == result.checksum)
            #expect(info.encryption == "AES256")
            #expect(info.metadata["export-id"] == "e")
            #expect(info.etag == result.etag)
            #expect(try await stored(client) == (result.sha256, result.size))
            #expect(try await client.listMultipartUploads().isEmpty)
        }
    }

    @Test func storesASmallArtifactAtOnce() async throws {
        try await withTestBucket(encryption: .aes256) { client, _ in
            let result = try await upload(client, 4096, announced: true)
            #expect(result.parts == 1)
            let info = try await client.head("model.onnx")
            #expect(info.metadata["artifact-sha256"] == result.sha256)
            #expect(info.fullCRC32C == result.checksum)
            #expect(try await stored(client) == (result.sha256, 4096))
        }
    }

    @Test(arguments: [4096, 12 << 20]) func acceptsTheSameObjectAndRefusesAnother(_ size: Int) async throws {
        try await withTestBucket { client, _ in
            let first = try await upload(client, size)
            let again = try await upload(client, size)
            #expect(again.wasThere && !first.wasThere)
            #expect(again.etag == first.etag)
            #expect(await objectStoreFailure { _ = try await upload(client, size, seed: 2) }?.kind == .objectDiffers)
            #expect(await objectStoreFailure { _ = try await upload(client, size - 1) }?.kind == .objectDiffers)
            #expect(try await stored(client) == (first.sha256, first.size))
            #expect(try await client.listMultipartUploads().isEmpty)
        }
    }

    /// At least one: SeaweedFS 4.48 checks `If-None-Match` on completions without a lock, so that several that race
    /// within milliseconds may all succeed. Puts it checks one by one, and completions one after another, too.
    @Test func agreesOnOneObjectWhenManyUploadTheSame() async throws {
        try await withTestBucket { client, _ in
            let memory = try TransferMemory(budget: 80 * Self.mib, concurrency: 8, partSize: 5 * Self.mib)
            let results = try await withThrowingTaskGroup(of: S3UploadResult.self) { group in
                for _ in 0..<8 { group.addTask { try await upload(client, 6 * Self.mib, memory: memory) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.contains { !$0.wasThere })
            #expect(Set(results.map(\.sha256)).count == 1)
            #expect(try await stored(client) == (results[0].sha256, 6 * Self.mib))
            #expect(try await client.listMultipartUploads().isEmpty)
            #expect(memory.gauge.bytesInUse == 0)
        }
    }

    @Test func leavesNothingBehindWhenItIsCancelled() async throws {
        try await withTestBucket { client, _ in
            let observer = S3UploadObserver(progress: { _, _ in unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } })
            let error = await objectStoreFailure {
                try await Task { _ = try await upload(client, 30 * Self.mib, observer: observer) }.value
            }
            #expect(error?.kind == .cancelled)
            let uploads = try await client.listMultipartUploads()
            #expect(uploads.isEmpty)
            #expect(await objectStoreFailure { _ = try await client.head("model.onnx") }?.kind == .notFound)
        }
    }

    @Test func refusesADamagedPartAndADamagedWhole() async throws {
        try await withTestBucket { client, _ in
            let bytes = [UInt8](repeating: 7, count: 1000)
            let id = try await client.createMultipartUpload("k")
            let error = await objectStoreFailure {
                _ = try await client.uploadPart("k", uploadID: id, number: 1, .bytes(bytes), checksum: CRC32C([1]))
            }
            #expect(error?.kind == .checksumMismatch)
            let part = try await client.uploadPart(
                "k", uploadID: id, number: 1, .bytes(bytes), checksum: CRC32C(bytes))
            let whole = await objectStoreFailure {
                _ = try await client.completeMultipartUpload("k", uploadID: id, parts: [part], checksum: CRC32C([1]))
            }
            #expect(whole?.kind == .checksumMismatch)
            #expect(await objectStoreFailure { _ = try await client.head("k") }?.kind == .notFound)
            try await client.abortMultipartUpload("k", uploadID: id)
            let gone = await objectStoreFailure {
                _ = try await client.completeMultipartUpload("k", uploadID: id, parts: [part], checksum: CRC32C(bytes))
            }
            #expect(gone?.kind == .noSuchUpload)
            try await client.abortMultipartUpload("k", uploadID: id)
        }
    }

    @Test func listsWhatIsUnderWay() async throws {
        try await withTestBucket { client, _ in
            let id = try await client.createMultipartUpload("a/one")
            _ = try await client.createMultipartUpload("b/two")
            #expect(try await client.listMultipartUploads(prefix: "a/").map(\.uploadID) == [id])
            #expect(try await client.listMultipartUploads().map(\.key).sorted() == ["a/one", "b/two"])
        }
    }
}
