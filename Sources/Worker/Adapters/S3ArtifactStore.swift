// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Cognigy
internal import ExportPipeline
internal import HTTPTransport
internal import Logging
internal import ObjectStore
internal import Synchronization

/// Artifacts on their way from a tenant into the bucket.
///
/// Memory: `transfer.concurrency` transfers go on at once, each with at most two part buffers; what waits for its turn
/// holds none. The sum never exceeds `transfer.memoryBudget`.
struct S3ArtifactStore: ArtifactStore {
    private static let sha256Name = "artifact-sha256"

    let client: S3Client
    let faults: StoreFaults
    let tenants: TenantDirectory
    let maximumBytes: Int
    let memory: TransferMemory
    let environment: any PipelineEnvironment
    let logger: Logger

    init(
        client: S3Client, faults: StoreFaults, tenants: TenantDirectory, settings: Settings,
        environment: any PipelineEnvironment, logger: Logger
    ) throws(S3Error) {
        self.client = client
        self.faults = faults
        self.tenants = tenants
        maximumBytes = settings.transfer.maxArtifactBytes
        self.environment = environment
        self.logger = logger
        memory = try TransferMemory(
            budget: settings.transfer.memoryBudget, concurrency: settings.transfer.concurrency,
            partSize: settings.transfer.partSize)
    }

    func transfer(
        _ link: DownloadLink, of command: ExportCommand, to destination: ArtifactDestination, context: CallContext,
        observer: TransferObserver
    ) async throws(StepError) -> StoredArtifact {
        guard let downloader = tenants.downloader(for: command.tenant) else {
            throw StepError(.permanent(.unknownTenant), "tenant \(command.tenant) is not configured")
        }
        let download = Download(downloader: downloader, command: command)
        defer { download.cancel() }
        let begun = environment.now()
        do {
            let result = try await S3Uploader(client: client, memory: memory).upload(
                upload(destination, begun: begun),
                observer: S3UploadObserver(
                    started: { try await observer.uploadStarted($0) }, progress: observer.progress)
            ) {
                try await download.open(link, context: context)
            }
            return StoredArtifact(
                bucket: client.configuration.bucket, key: destination.key, sizeBytes: result.size,
                sha256: result.sha256, checksum: "CRC32C:\(result.checksum)")
        } catch {
            throw stepError(error)
        }
    }

    private func upload(_ destination: ArtifactDestination, begun: Duration) -> S3Upload {
        S3Upload(
            key: destination.key,
            metadata: [
                "export-format": destination.format, "command-id": destination.commandID,
                "export-id": destination.exportID,
            ],
            finalMetadata: { [environment] digest in
                [
                    "artifact-size-bytes": String(digest.size), Self.sha256Name: digest.sha256,
                    "download-duration-sec": Self.seconds(environment.now() - begun),
                ]
            },
            sha256MetadataName: Self.sha256Name, maximumBytes: maximumBytes, replacing: destination.replacing)
    }

    private func stepError(_ error: S3Error) -> StepError {
        if let step = error.underlying as? StepError { return step }
        switch error.kind {
        case .empty, .lengthMismatch: return StepError(.unreadable, error.description)
        case .tooLarge:
            return StepError(
                .permanent(.artifactTooLarge), "\(error.description) (transfer.maxArtifactBytes)")
        case .objectDiffers: return StepError(.permanent(.objectConflict), error.description)
        case .source, .callback: return StepError(.transient(), error.description)
        // Somebody aborted this very upload: whoever it was has taken the run over, or a clean-up was too eager.
        case .noSuchUpload: return StepError(.transient(), error.description)
        default: return faults.stepError(error)
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Int(attoseconds / 1_000_000_000_000_000)
        return "\(seconds).\(String(milliseconds + 1000).dropFirst())"
    }
}

// MARK: What lies there

extension S3ArtifactStore {
    func verify(_ artifact: StoredArtifact) async throws(StepError) -> ArtifactVerification {
        let checksum = artifact.checksum.flatMap { $0.split(separator: ":").last.map(String.init) }
        do {
            switch try await client.verify(artifact.key, size: artifact.sizeBytes, checksum: checksum) {
            case .missing:
                // HEAD cannot tell a missing object from a missing bucket; only the former speaks of the command.
                try await faults.look()
                return .missing
            case .differs(let what, let etag): return .differs(what, version: etag)
            case .matches(let info):
                if let stored = info.metadata[Self.sha256Name], stored != artifact.sha256 {
                    return .differs(
                        "its SHA-256 is \(stored) instead of \(artifact.sha256)", version: info.etag)
                }
                return .matches(encryptedAtRest: info.encryption != nil)
            }
        } catch {
            throw faults.stepError(error)
        }
    }

    func abortUploads(of key: String, recorded: Checkpoint.Upload?) async throws(StepError) {
        do {
            if let recorded { try await client.abortMultipartUpload(recorded.key, uploadID: recorded.uploadID) }
        } catch  where error.kind == .noSuchUpload {
        } catch {
            throw faults.stepError(error)
        }
        // An owner that died between beginning an upload and writing it down left no record: look for those too. A
        // store that does not let this worker list them has its lifecycle rule for them.
        do {
            for upload in try await client.listMultipartUploads(prefix: key) where upload.key == key {
                try await client.abortMultipartUpload(key, uploadID: upload.uploadID)
            }
        } catch {
            logger.notice(
                "unfinished uploads could not be looked for", metadata: ["object.key": "\(key)", "error": "\(error)"])
        }
    }
}

/// The download behind an upload: opened when the upload has its turn, and dropped however it ends.
private final class Download: Sendable {
    private let downloader: any ArtifactDownloader
    private let command: ExportCommand
    private let body = Mutex<(any ArtifactBody)?>(nil)

    init(downloader: any ArtifactDownloader, command: ExportCommand) {
        self.downloader = downloader
        self.command = command
    }

    func open(_ link: DownloadLink, context: CallContext) async throws(StepError) -> S3UploadSource {
        let body = try await downloader.openDownload(link, of: command, context: context)
        self.body.withLock { $0 = body }
        return S3UploadSource(announcedBytes: body.contentLength) { [downloader, command] buffer in
            do throws(HTTPError) {
                return try await body.fill(buffer)
            } catch {
                throw downloader.bodyFailure(error, of: command)
            }
        }
    }

    func cancel() { body.withLock { $0 }?.cancel() }
}
