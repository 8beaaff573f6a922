// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HTTPTransport
internal import Logging
internal import ObjectStore
internal import Synchronization
internal import Testing

/// The S3 server of the tests, from the environment.
struct ObjectStoreServer {
    static let shared = ObjectStoreServer(ProcessInfo.processInfo.environment)

    let endpoint: String
    let credentials: S3Credentials

    init?(_ environment: [String: String]) {
        guard let endpoint = environment["NLU_TEST_S3_ENDPOINT"], let key = environment["NLU_TEST_S3_ACCESS_KEY"],
            let secret = environment["NLU_TEST_S3_SECRET_KEY"]
        else { return nil }
        self.endpoint = endpoint
        credentials = S3Credentials(accessKeyID: key, secretAccessKey: secret)
    }

    func client(
        bucket: String, http: HTTPClient, credentials other: S3Credentials? = nil,
        encryption: S3Configuration.Encryption = .none
    ) throws -> S3Client {
        S3Client(
            configuration: try S3Configuration(bucket: bucket, endpoint: endpoint, encryption: encryption),
            credentials: StaticCredentials(other ?? credentials), transport: http, logger: objectStoreTestLogger)
    }
}

let objectStoreTestLogger = Logger(label: "object-store-tests", factory: { _ in SwiftLogNoOpLogHandler() })

/// A bucket of the test's own, emptied and deleted at its end.
func withTestBucket(
    encryption: S3Configuration.Encryption = .none, objectLock: Bool = false,
    _ body: (S3Client, HTTPClient) async throws -> Void
) async throws {
    let server = try #require(ObjectStoreServer.shared)
    let http = HTTPClient(configuration: HTTPClientConfiguration(), logger: objectStoreTestLogger)
    let bucket = "test-\(UUID().uuidString.lowercased())"
    let client = try server.client(bucket: bucket, http: http, encryption: encryption)
    try await client.createBucket(withObjectLock: objectLock)
    let outcome: Result<Void, any Error>
    do {
        outcome = .success(try await body(client, http))
    } catch {
        outcome = .failure(error)
    }
    for upload in try await client.listMultipartUploads() {
        try await client.abortMultipartUpload(upload.key, uploadID: upload.uploadID)
    }
    if !objectLock {
        for object in try await client.listAll() { try await client.delete(object.key) }
        try await client.deleteBucket()
    }
    await http.shutdown()
    try outcome.get()
}

/// The error of ours that `body` throws; an issue where it throws none.
func objectStoreFailure(
    _ body: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) async -> S3Error? {
    do {
        try await body()
        Issue.record("no error was thrown", sourceLocation: sourceLocation)
        return nil
    } catch {
        return error as? S3Error
    }
}

/// Reproducible bytes without a pattern, made as they are asked for.
final class NoiseSource: Sendable {
    private let state: Mutex<(left: Int, word: UInt64)>

    init(_ count: Int, seed: UInt64 = 0x9E37_79B9_7F4A_7C15) { state = Mutex((count, seed)) }

    func fill(_ buffer: TransferBuffer) -> Int {
        state.withLock { state in
            let added = min(state.left, buffer.room)
            let start = buffer.count
            unsafe buffer.withUnsafeMutableBytes { bytes in
                for index in start..<(start + added) {
                    state.word ^= state.word << 13
                    state.word ^= state.word >> 7
                    state.word ^= state.word << 17
                    unsafe bytes[index] = UInt8(truncatingIfNeeded: state.word >> 24)
                }
            }
            buffer.count += added
            state.left -= added
            return added
        }
    }
}
