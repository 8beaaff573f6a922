// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Logging

/// One upload under way. Owned by one task; the buffers' owners change hands only at its awaits.
struct Transfer: Sendable {
    /// A buffer with what the source put into it.
    struct Piece: Sendable {
        let buffer: TransferBuffer
        /// Nothing follows.
        let isLast: Bool
    }

    let upload: S3Upload
    let observer: S3UploadObserver
    let client: S3Client
    let lease: TransferLease
    let digest = TransferDigest()
    let plan: PartPlan
    let reader: SourceReader

    init(
        upload: S3Upload, source: S3UploadSource, observer: S3UploadObserver, client: S3Client,
        memory: TransferMemory, lease: TransferLease
    ) throws(S3Error) {
        self.upload = upload
        self.observer = observer
        self.client = client
        self.lease = lease
        reader = try SourceReader(source, key: upload.key, maximumBytes: upload.maximumBytes)
        plan = try PartPlan(
            announced: source.announcedBytes, base: memory.partSize, maximum: memory.maximumPartSize)
    }

    /// The first part decides: if the source ends within it, it is the whole object.
    func run() async throws(S3Error) -> S3UploadResult {
        let first = try await fill(part: 1)
        if first.isLast { return try await storeWhole(first.buffer) }
        let second = try await fill(part: 2)
        if second.buffer.count == 0 { return try await storeWhole(first.buffer) }
        return try await storeParts([first, second])
    }

    /// Fills one of the two buffers that every transfer is certain of.
    private func fill(part number: Int) async throws(S3Error) -> Piece {
        let buffer = try await lease.certainBuffer(plan.size(ofPart: number))
        return Piece(buffer: buffer, isLast: try await reader.fill(buffer))
    }

    // MARK: A single put

    private func storeWhole(_ buffer: TransferBuffer) async throws(S3Error) -> S3UploadResult {
        guard buffer.count > 0 else {
            throw S3Error(.empty, "The source of \(client.location(of: upload.key)) has no bytes.")
        }
        let checksum = await digest.add(buffer).value
        let content = digest.value
        let metadata = upload.metadata.merging(upload.finalMetadata(content)) { $1 }
        let settled = try await settle(content) { (condition) async throws(S3Error) in
            let options = S3PutOptions(
                contentType: upload.contentType, metadata: metadata, condition: condition, checksum: checksum)
            return try await client.put(upload.key, .buffer(buffer), options: options)
        }
        observer.progress(content.size, reader.announced)
        return settled.result(content, parts: 1)
    }

    // MARK: Many parts

    private func storeParts(_ pieces: [Piece]) async throws(S3Error) -> S3UploadResult {
        let uploadID = try await client.createMultipartUpload(
            upload.key, options: S3PutOptions(contentType: upload.contentType, metadata: upload.metadata))
        do {
            do {
                try await observer.started(uploadID)
            } catch {
                throw S3Error.wrapping(error, as: .callback, "The start of the upload could not be noted: \(error)")
            }
            let parts = try await PartPipeline(transfer: self, uploadID: uploadID).send(pieces)
            let content = digest.value
            let settled = try await settle(content) { (condition) async throws(S3Error) in
                try await client.completeMultipartUpload(
                    upload.key, uploadID: uploadID, parts: parts, checksum: content.checksum, condition: condition)
            }
            // Another writer's object took the key: ours is no longer needed.
            if settled.wasThere { await abort(uploadID) }
            return settled.result(content, parts: parts.count)
        } catch {
            await abort(uploadID)
            throw S3Error.wrapping(error, as: .source, "\(error)")
        }
    }

    /// Frees the parts, whether or not this task still wants anything.
    private func abort(_ uploadID: String) async {
        let (client, key) = (client, upload.key)
        await Task {
            do throws(S3Error) {
                try await client.abortMultipartUpload(key, uploadID: uploadID)
            } catch {
                client.logger.warning(
                    "An upload could not be aborted; the bucket's lifecycle rule has to collect its parts",
                    metadata: [
                        "s3.key": "\(key)", "s3.upload.id": "\(uploadID)", "s3.error": "\(error.kind.rawValue)",
                        "s3.message": "\(error.message)",
                    ])
            }
        }.value
    }
}
