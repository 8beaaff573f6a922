// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import HTTPTransport
internal import Synchronization
internal import Testing

@testable internal import ObjectStore

/// Parts of 4 KiB instead of 8 MiB: the same paths, in no time.
@Suite struct UploaderTests {
    static let part = 4096

    func makeUploader(
        _ store: FakeS3, concurrency: Int = 1, budget: Int? = nil
    ) throws -> (S3Uploader, TransferMemory) {
        let memory = try TransferMemory(
            budget: budget ?? 2 * concurrency * Self.part, concurrency: concurrency, partSize: Self.part,
            leastPartSize: Self.part)
        return (S3Uploader(client: try makeClient(store), memory: memory), memory)
    }

    func upload(_ maximum: Int = .max) -> S3Upload {
        S3Upload(
            key: "k", metadata: ["export-id": "e"],
            finalMetadata: { ["sum": $0.sha256, "size": String($0.size)] }, sha256MetadataName: "sum",
            maximumBytes: maximum)
    }

    func hex(_ bytes: [UInt8]) -> String { ByteText.hexadecimal(SHA256.hash(data: bytes)) }

    @Test(arguments: [1, 100, part - 1, part]) func storesWhatFitsIntoOnePartAtOnce(_ size: Int) async throws {
        let (store, bytes) = (FakeS3(), noise(size))
        let (uploader, memory) = try makeUploader(store)
        let result = try await uploader.upload(upload()) { source(bytes, announced: size) }
        #expect(store.calls.map(\.name) == ["PutObject"])
        let object = try #require(store.object("k"))
        #expect(object.bytes == bytes)
        #expect(object.headers["x-amz-meta-sum"] == hex(bytes))
        #expect(object.headers["x-amz-meta-size"] == String(size))
        #expect(object.headers["x-amz-meta-export-id"] == "e")
        #expect(result.sha256 == hex(bytes))
        #expect(result.size == size)
        #expect(result.checksum == CRC32C(bytes).base64)
        #expect(result.parts == 1 && !result.wasThere)
        #expect(memory.gauge.bytesInUse == 0 && memory.gauge.active == 0)
    }

    @Test(arguments: [part + 1, 2 * part, 2 * part + 1, 5 * part, 5 * part + 77])
    func storesTheRestInParts(_ size: Int) async throws {
        for announced in [nil, size] {
            for step in [Int.max, 1000] {
                let (store, bytes) = (FakeS3(), noise(size))
                let (uploader, memory) = try makeUploader(store)
                let progress = Mutex<[Int]>([])
                let observer = S3UploadObserver(progress: { done, _ in progress.withLock { $0.append(done) } })
                let result = try await uploader.upload(upload(), observer: observer) {
                    source(bytes, announced: announced, step: step)
                }
                let parts = (size + Self.part - 1) / Self.part
                #expect(result.parts == parts)
                #expect(store.object("k")?.bytes == bytes)
                #expect(result.sha256 == hex(bytes))
                #expect(result.checksum == CRC32C(bytes).base64)
                #expect(store.calls("UploadPart").count == parts)
                #expect(progress.withLock { $0 }.last == size)
                #expect(progress.withLock { $0.count } == parts)
                #expect(store.pendingUploads == 0)
                #expect(memory.gauge.bytesInUse == 0)
            }
        }
    }

    @Test func notesTheUploadBeforeItsFirstPart() async throws {
        let store = FakeS3()
        let (uploader, _) = try makeUploader(store)
        let observer = S3UploadObserver(started: { id in
            #expect(id.hasPrefix("upload-"))
            #expect(store.calls.map(\.name) == ["CreateMultipartUpload"])
        })
        _ = try await uploader.upload(upload(), observer: observer) { source(noise(3 * Self.part)) }
        #expect(store.calls("UploadPart").count == 3)
    }

    @Test func abortsWhenTheStartCannotBeNoted() async throws {
        struct Overtaken: Error {}
        let store = FakeS3()
        let (uploader, memory) = try makeUploader(store)
        let error = await failure {
            _ = try await uploader.upload(upload(), observer: S3UploadObserver(started: { _ in throw Overtaken() })) {
                source(noise(3 * Self.part))
            }
        }
        #expect(error?.kind == .callback)
        #expect(error?.underlying is Overtaken)
        #expect(store.calls.map(\.name) == ["CreateMultipartUpload", "AbortMultipartUpload"])
        #expect(store.pendingUploads == 0 && memory.gauge.bytesInUse == 0)
    }

    @Test(arguments: [0, 1, 2]) func abortsWhenAPartIsRefused(_ passing: Int) async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(403, "AccessDenied")), on: "UploadPart", skipping: passing)
        let (uploader, memory) = try makeUploader(store)
        let error = await failure { _ = try await uploader.upload(upload()) { source(noise(4 * Self.part)) } }
        #expect(error?.kind == .accessDenied)
        #expect(store.calls.last?.name == "AbortMultipartUpload")
        #expect(store.pendingUploads == 0 && store.object("k") == nil)
        #expect(memory.gauge.bytesInUse == 0 && memory.gauge.active == 0)
    }

    /// A slow source must not keep a refused upload alive.
    @Test func stopsFillingWhenAPartIsRefused() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(403, "AccessDenied")), on: "UploadPart", skipping: 1)
        let (uploader, memory) = try makeUploader(store)
        let bytes = RemainingBytes(noise(2 * Self.part))
        let error = await failure {
            _ = try await uploader.upload(upload()) {
                S3UploadSource(announcedBytes: nil) { buffer in
                    let added = bytes.move(to: buffer, atMost: .max)
                    // The third part never comes; only cancellation ends the wait for it.
                    if added == 0 { try await Task.sleep(for: .seconds(86_400)) }
                    return added
                }
            }
        }
        #expect(error?.kind == .accessDenied)
        #expect(store.pendingUploads == 0 && memory.gauge.bytesInUse == 0)
    }

    @Test func growsPartsOfAnUnknownLength() async throws {
        let size = PartPlan.growthInterval * Self.part + 3 * 2 * Self.part + 5
        let (store, bytes) = (FakeS3(), noise(size))
        let (uploader, memory) = try makeUploader(store, budget: 4 * Self.part)
        let result = try await uploader.upload(upload()) { source(bytes) }
        #expect(result.parts == PartPlan.growthInterval + 4)
        #expect(result.sha256 == hex(bytes))
        #expect(store.calls("UploadPart").filter { $0.body.count == 5 }.count == 1)
        #expect(store.object("k")?.bytes == bytes)
        #expect(memory.gauge.bytesPooled <= memory.budget)
    }

    @Test func repeatsAPartWhoseAnswerWasLostOrDamaged() async throws {
        let (store, bytes) = (FakeS3(), noise(3 * Self.part))
        store.inject(.lostAnswer, on: "UploadPart")
        store.inject(.answer(.s3(400, "BadDigest")), on: "UploadPart")
        let (uploader, _) = try makeUploader(store)
        _ = try await uploader.upload(upload()) { source(bytes) }
        #expect(store.calls("UploadPart").count == 5)
        #expect(store.object("k")?.bytes == bytes)
    }

    @Test func survivesALostAnswerToTheCompletion() async throws {
        let (store, bytes) = (FakeS3(), noise(3 * Self.part))
        store.inject(.lostAnswer, on: "CompleteMultipartUpload")
        let (uploader, _) = try makeUploader(store)
        let result = try await uploader.upload(upload()) { source(bytes) }
        #expect(result.wasThere)
        #expect(result.etag == store.object("k")?.etag)
        #expect(store.object("k")?.bytes == bytes)
    }

    @Test func repeatsACompletionThatSucceededWithAnError() async throws {
        let (store, bytes) = (FakeS3(), noise(3 * Self.part))
        store.inject(
            .answer(.xml("<Error><Code>InternalError</Code><Message>m</Message></Error>")),
            on: "CompleteMultipartUpload")
        let (uploader, _) = try makeUploader(store)
        let result = try await uploader.upload(upload()) { source(bytes) }
        #expect(!result.wasThere)
        #expect(store.calls("CompleteMultipartUpload").count == 2)
    }

    @Test func survivesALostAnswerToASinglePut() async throws {
        let (store, bytes) = (FakeS3(), noise(100))
        store.inject(.lostAnswer, on: "PutObject")
        let (uploader, _) = try makeUploader(store)
        #expect(try await uploader.upload(upload()) { source(bytes) }.wasThere)
    }

    @Test func failsWhenTheUploadIsGone() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(404, "NoSuchUpload")), on: "CompleteMultipartUpload", times: 9)
        let (uploader, _) = try makeUploader(store)
        let error = await failure { _ = try await uploader.upload(upload()) { source(noise(3 * Self.part)) } }
        #expect(error?.kind == .noSuchUpload)
        #expect(error?.isRetriable == true)
        #expect(store.calls("CompleteMultipartUpload").count == 1)
    }

    @Test func startsOverAfterAConflict() async throws {
        let store = FakeS3()
        store.inject(.answer(.s3(409, "ConditionalRequestConflict")), on: "CompleteMultipartUpload")
        let (uploader, _) = try makeUploader(store)
        let error = await failure { _ = try await uploader.upload(upload()) { source(noise(3 * Self.part)) } }
        #expect(error?.kind == .conflict)
        #expect(error?.isRetriable == true)
        #expect(store.pendingUploads == 0)
    }

    // MARK: What the source does

    @Test func refusesAnEmptySource() async throws {
        for announced in [nil, 0] as [Int?] {
            let store = FakeS3()
            let (uploader, memory) = try makeUploader(store)
            let error = await failure { _ = try await uploader.upload(upload()) { source([], announced: announced) } }
            #expect(error?.kind == .empty)
            #expect(store.calls.isEmpty && memory.gauge.active == 0)
        }
    }

    @Test(arguments: [nil, 3 * part]) func refusesTooMuch(_ announced: Int?) async throws {
        let store = FakeS3()
        let (uploader, _) = try makeUploader(store)
        let error = await failure {
            _ = try await uploader.upload(upload(3 * Self.part - 1)) {
                source(noise(3 * Self.part), announced: announced)
            }
        }
        #expect(error?.kind == .tooLarge)
        #expect(store.object("k") == nil && store.pendingUploads == 0)
    }

    @Test(arguments: [100, 10_000], [-1, 1]) func holdsTheSourceToItsLength(_ size: Int, _ by: Int) async throws {
        let store = FakeS3()
        let (uploader, _) = try makeUploader(store)
        let error = await failure {
            _ = try await uploader.upload(upload()) { source(noise(size), announced: size + by) }
        }
        #expect(error?.kind == .lengthMismatch)
        #expect(store.object("k") == nil && store.pendingUploads == 0)
    }

    @Test func abortsWhenTheSourceBreaksOff() async throws {
        let store = FakeS3()
        let (uploader, memory) = try makeUploader(store)
        let bytes = RemainingBytes(noise(3 * Self.part))
        let error = await failure {
            _ = try await uploader.upload(upload()) {
                S3UploadSource(announcedBytes: nil) { buffer in
                    let added = bytes.move(to: buffer, atMost: .max)
                    if added == 0 { throw HTTPError(code: .truncated, message: "cut") }
                    return added
                }
            }
        }
        #expect(error?.kind == .source)
        #expect((error?.underlying as? HTTPError)?.code == .truncated)
        #expect(store.pendingUploads == 0 && store.object("k") == nil)
        #expect(memory.gauge.bytesInUse == 0 && memory.gauge.active == 0)
    }

    @Test func abortsWhenItIsCancelled() async throws {
        let store = FakeS3()
        let (uploader, memory) = try makeUploader(store)
        let bytes = noise(8 * Self.part)
        let task = Mutex<Task<S3UploadResult, any Error>?>(nil)
        store.inject(.after { _ in task.withLock { $0?.cancel() } }, on: "UploadPart", skipping: 2)
        let started = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let work = Task {
            for await _ in started.stream { break }
            return try await uploader.upload(upload()) { source(bytes) }
        }
        task.withLock { $0 = work }
        started.continuation.yield()
        let error = await failure { _ = try await work.value }
        #expect(error?.kind == .cancelled)
        #expect(store.calls.last?.name == "AbortMultipartUpload")
        #expect(store.pendingUploads == 0)
        #expect(memory.gauge.bytesInUse == 0 && memory.gauge.active == 0)
    }
}
