// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Synchronization
internal import Testing

@testable internal import ObjectStore

/// Holds parts back until so many are on their way at once.
private final class GatheringS3: S3Transport {
    private struct State {
        var arrived = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let store = FakeS3()
    private let width: Int
    private let state = Mutex(State())

    init(width: Int) { self.width = width }

    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        if FakeS3.Call(request).name == "UploadPart" { await gather() }
        return try await store.exchange(request)
    }

    func openBody(_ request: HTTPRequest) async throws(HTTPError) -> any S3Body { try await store.openBody(request) }

    private func gather() async {
        await withCheckedContinuation { continuation in
            let released = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.arrived += 1
                state.waiting.append(continuation)
                guard state.arrived >= width else { return [] }
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in released { continuation.resume() }
        }
    }
}

extension UploaderTests {
    /// With what the budget has to spare, three parts are sent while a fourth buffer is filled.
    @Test(.timeLimit(.minutes(1))) func sendsPartsSideBySide() async throws {
        let transport = GatheringS3(width: 3)
        let memory = try TransferMemory(
            budget: 6 * Self.part, concurrency: 1, partSize: Self.part, leastPartSize: Self.part)
        let bytes = noise(9 * Self.part + 5)
        let result = try await S3Uploader(client: try makeClient(transport), memory: memory).upload(upload()) {
            source(bytes, announced: bytes.count)
        }
        #expect(result.parts == 10)
        #expect(result.sha256 == hex(bytes))
        #expect(transport.store.object("k")?.bytes == bytes)
        #expect(memory.gauge.bytesInUse == 0)
    }

    /// Transfers that share a budget all come to their end, and never hold more than it together.
    @Test(.timeLimit(.minutes(1))) func sharesTheBudget() async throws {
        let store = FakeS3()
        let memory = try TransferMemory(
            budget: 15 * Self.part, concurrency: 4, partSize: Self.part, leastPartSize: Self.part)
        let client = try makeClient(store)
        let most = Mutex(0)
        let observer = S3UploadObserver(progress: { _, _ in
            let inUse = memory.gauge.bytesInUse + memory.gauge.bytesPooled
            most.withLock { $0 = max($0, inUse) }
        })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask {
                    let bytes = noise((3 + number) * Self.part + number)
                    let upload = S3Upload(
                        key: "k\(number)", metadata: [:], finalMetadata: { _ in [:] }, sha256MetadataName: nil,
                        maximumBytes: .max)
                    _ = try await S3Uploader(client: client, memory: memory).upload(upload, observer: observer) {
                        source(bytes, announced: number % 2 == 0 ? bytes.count : nil)
                    }
                    #expect(store.object("k\(number)")?.bytes == bytes)
                }
            }
            try await group.waitForAll()
        }
        #expect(most.withLock { $0 } <= memory.budget)
        #expect(memory.gauge.bytesInUse == 0 && memory.gauge.bytesPooled == 0)
    }
}
