// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Logging
internal import ObjectStore
internal import Synchronization

/// Time that stands still, sleeps that are only noted.
final class FakeTime: Sendable {
    let pauses = Mutex<[Duration]>([])
    let clock: Atomic<Int64>

    init(now: Int64 = 1_369_353_600) { clock = Atomic(now) }

    var surroundings: S3Surroundings {
        S3Surroundings(
            now: { [self] in clock.load(ordering: .relaxed) },
            sleep: { [self] pause in
                try Task.checkCancellation()
                pauses.withLock { $0.append(pause) }
            },
            chance: { 1 })
    }
}

/// Credentials that change when they are asked anew.
final class RotatingCredentials: CredentialsProvider {
    private let generation = Atomic<Int>(0)
    private let rotates: Bool
    let invalidations = Atomic<Int>(0)

    init(rotates: Bool) { self.rotates = rotates }

    var source: String { "a test" }

    func credentials() async throws(S3Error) -> S3Credentials {
        S3Credentials(
            accessKeyID: "KEY\(generation.load(ordering: .relaxed))", secretAccessKey: "hush", sessionToken: "token")
    }

    func invalidate() async {
        invalidations.add(1, ordering: .relaxed)
        if rotates { generation.add(1, ordering: .relaxed) }
    }
}

func makeClient(
    _ store: any S3Transport, time: FakeTime = FakeTime(),
    credentials: any CredentialsProvider = StaticCredentials(
        S3Credentials(accessKeyID: "KEY", secretAccessKey: "hush")),
    encryption: S3Configuration.Encryption = .aes256
) throws -> S3Client {
    S3Client(
        configuration: try S3Configuration(
            bucket: "bucket", endpoint: "http://store.test:9000", encryption: encryption),
        credentials: credentials, transport: store,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), surroundings: time.surroundings)
}

/// The source of an upload with given bytes; `step` at most per call of `fill`.
func source(_ bytes: [UInt8], announced: Int? = nil, step: Int = .max) -> S3UploadSource {
    let rest = RemainingBytes(bytes)
    return S3UploadSource(announcedBytes: announced) { buffer in rest.move(to: buffer, atMost: step) }
}

final class RemainingBytes: Sendable {
    private let rest: Mutex<ArraySlice<UInt8>>

    init(_ bytes: [UInt8]) { rest = Mutex(bytes[...]) }

    func move(to buffer: TransferBuffer, atMost step: Int) -> Int {
        rest.withLock { rest in
            let added = unsafe rest.prefix(step).withUnsafeBytes { unsafe buffer.append($0) }
            rest = rest.dropFirst(added)
            return added
        }
    }
}

/// Runs `body` and returns the error of ours it throws, nil where it throws none.
func failure(_ body: () async throws -> Void) async -> S3Error? {
    do {
        try await body()
        return nil
    } catch {
        return error as? S3Error
    }
}
