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

    private enum Half: Sendable {
        case sent(S3Part)
        case filled(isLast: Bool)
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
        let first = lease.buffer(plan.size(ofPart: 1))
        if try await reader.fill(first) { return try await storeWhole(first) }
        let second = lease.buffer(plan.size(ofPart: 2))
        let isLast = try await reader.fill(second)
        if second.count == 0 { return try await storeWhole(first) }
        return try await storeParts(first, Piece(buffer: second, isLast: isLast))
    }

    // MARK: A single put

    private func storeWhole(_ buffer: TransferBuffer) async throws(S3Error) -> S3UploadResult {
        guard buffer.count > 0 else {
            throw S3Error(.empty, "The source of \(client.location(of: upload.key)) has no bytes.")
        }
        let checksum = await digest.update(buffer)
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

    private func storeParts(_ first: TransferBuffer, _ second: Piece) async throws(S3Error) -> S3UploadResult {
        let uploadID = try await client.createMultipartUpload(
            upload.key, options: S3PutOptions(contentType: upload.contentType, metadata: upload.metadata))
        do {
            do {
                try await observer.started(uploadID)
            } catch {
                throw S3Error.wrapping(error, as: .callback, "The start of the upload could not be noted: \(error)")
            }
            let parts = try await sendParts(uploadID, first, second)
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

    /// Sends part after part; the next one is filled meanwhile, into the buffer the one before has left.
    private func sendParts(
        _ uploadID: String, _ first: TransferBuffer, _ second: Piece
    ) async throws(S3Error) -> [S3Part] {
        var parts = [try await send(first, number: 1, uploadID)]
        var current = second
        var spare = first
        while true {
            let number = parts.count + 1
            guard number <= PartPlan.maximumParts else {
                throw S3Error(.tooLarge, "\(upload.key) does not fit into \(PartPlan.maximumParts) parts.")
            }
            if current.isLast {
                if current.buffer.count > 0 { parts.append(try await send(current.buffer, number: number, uploadID)) }
                return parts
            }
            let target = lease.exchange(spare, for: plan.size(ofPart: number + 1))
            let (part, isLast) = try await send(current.buffer, number: number, uploadID, whileFilling: target)
            parts.append(part)
            (spare, current) = (current.buffer, Piece(buffer: target, isLast: isLast))
        }
    }

    /// Both at once; where one fails the other is cancelled and waited for.
    private func send(
        _ buffer: TransferBuffer, number: Int, _ uploadID: String, whileFilling target: TransferBuffer
    ) async throws(S3Error) -> (part: S3Part, isLast: Bool) {
        do {
            return try await withThrowingTaskGroup(of: Half.self) { group in
                group.addTask { .sent(try await send(buffer, number: number, uploadID)) }
                group.addTask { .filled(isLast: try await reader.fill(target)) }
                var (part, isLast): (S3Part?, Bool) = (nil, false)
                for try await half in group {
                    switch half {
                    case .sent(let value): part = value
                    case .filled(let value): isLast = value
                    }
                }
                guard let part else { throw CancellationError() }
                return (part, isLast)
            }
        } catch {
            throw S3Error.wrapping(error, as: .source, "\(error)")
        }
    }

    private func send(_ buffer: TransferBuffer, number: Int, _ uploadID: String) async throws(S3Error) -> S3Part {
        let checksum = await digest.update(buffer)
        let part = try await client.uploadPart(
            upload.key, uploadID: uploadID, number: number, .buffer(buffer), checksum: checksum)
        observer.progress(digest.size, reader.announced)
        return part
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
