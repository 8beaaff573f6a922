// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import HTTPTransport
internal import Synchronization
internal import Testing

@testable internal import ObjectStore

/// What the uploader does where somebody else's object lies under the key already.
extension UploaderTests {
    @Test(arguments: [100, 3 * part], [true, false])
    func comparesByChecksum(_ size: Int, _ isSame: Bool) async throws {
        let (store, bytes) = (FakeS3(), noise(size))
        let stored = isSame ? bytes : noise(size, seed: 7)
        store.put("k", stored, headers: ["x-amz-checksum-crc32c": CRC32C(stored).base64])
        try await expectComparison(store, bytes, isSame: isSame, reads: 0)
    }

    @Test(arguments: [true, false]) func comparesByMetadata(_ isSame: Bool) async throws {
        let (store, bytes) = (FakeS3(), noise(100))
        let stored = isSame ? bytes : noise(100, seed: 7)
        store.put("k", stored, headers: ["x-amz-meta-sum": hex(stored)])
        try await expectComparison(store, bytes, isSame: isSame, reads: 0)
    }

    @Test(arguments: [100, 3 * part + 5], [true, false])
    func comparesByReadingBack(_ size: Int, _ isSame: Bool) async throws {
        let (store, bytes) = (FakeS3(), noise(size))
        let stored = isSame ? bytes : noise(size, seed: 7)
        let composite = ["x-amz-checksum-crc32c": "AAAAAA==-3", "x-amz-checksum-type": "COMPOSITE"]
        store.put("k", stored, headers: composite)
        try await expectComparison(store, bytes, isSame: isSame, reads: 1)
    }

    @Test func comparesTheSizeFirst() async throws {
        let (store, bytes) = (FakeS3(), noise(100))
        store.put("k", bytes + [0], headers: ["x-amz-checksum-crc32c": CRC32C(bytes).base64])
        try await expectComparison(store, bytes, isSame: false, reads: 0)
    }

    private func expectComparison(_ store: FakeS3, _ bytes: [UInt8], isSame: Bool, reads: Int) async throws {
        let before = store.object("k")?.bytes
        let (uploader, memory) = try makeUploader(store)
        let error = await failure {
            let result = try await uploader.upload(upload()) { source(bytes) }
            #expect(result.wasThere)
        }
        #expect(error?.kind == (isSame ? nil : .objectDiffers))
        #expect(store.object("k")?.bytes == before)
        #expect(store.calls("GetObject").count == reads)
        #expect(store.pendingUploads == 0)
        #expect(memory.gauge.bytesInUse == 0)
    }
}
