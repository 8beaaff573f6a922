// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Streams objects of any size into the bucket in bounded memory. The first writer of a key wins.
///
/// What fits into one part goes as a single put. Anything larger goes in parts: while one part is sent, the next is
/// filled. Every part and the whole carry a CRC32C that the store compares; the SHA-256 of the whole is computed on
/// the way. An upload that does not end well is aborted before the error is thrown.
package struct S3Uploader: Sendable {
    let client: S3Client
    let memory: TransferMemory

    package init(client: S3Client, memory: TransferMemory) {
        self.client = client
        self.memory = memory
    }

    /// Waits for its turn, opens the source, stores its content under the key if nothing lies there, and compares
    /// where something does.
    ///
    /// Errors: `empty`, `tooLarge`, `lengthMismatch`, `objectDiffers`; `source` and `callback` with the `underlying`
    /// error of `open`, `fill` or `started`; `cancelled`; and whatever the store answers.
    package func upload(
        _ upload: S3Upload, observer: S3UploadObserver = S3UploadObserver(),
        opening open: @Sendable () async throws -> S3UploadSource
    ) async throws(S3Error) -> S3UploadResult {
        let lease = try await memory.lease()
        defer { lease.release() }
        do {
            let source: S3UploadSource
            do {
                source = try await open()
            } catch {
                throw S3Error.wrapping(error, as: .source, "The source of \(upload.key) could not be opened: \(error)")
            }
            let transfer = try Transfer(
                upload: upload, source: source, observer: observer, client: client, memory: memory, lease: lease)
            return try await transfer.run()
        } catch {
            let error = S3Error.wrapping(error, as: .source, "\(error)")
            // Whatever broke first when the task was cancelled: that is what happened.
            guard Task.isCancelled, error.kind != .cancelled else { throw error }
            throw S3Error(.cancelled, "The transfer was cancelled: \(error.message)", underlying: error)
        }
    }
}
