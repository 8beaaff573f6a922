// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Synchronization

/// Fills buffers from a source and keeps it to its length.
final class SourceReader: Sendable {
    let announced: Int?
    private let source: S3UploadSource
    private let key: String
    private let maximumBytes: Int
    private let received = Atomic<Int>(0)

    /// Refuses an announced length of nothing or of too much before a byte is read.
    init(_ source: S3UploadSource, key: String, maximumBytes: Int) throws(S3Error) {
        self.source = source
        self.key = key
        self.maximumBytes = maximumBytes
        announced = source.announcedBytes
        if announced == 0 { throw S3Error(.empty, "The source of \(key) announces no bytes.") }
        if let announced, announced > maximumBytes { throw tooLarge(announced) }
    }

    /// Fills the buffer to its end; true when the source has ended. One call at a time.
    func fill(_ buffer: TransferBuffer) async throws(S3Error) -> Bool {
        while buffer.count < buffer.capacity {
            let before = buffer.count
            do {
                _ = try await source.fill(buffer)
            } catch {
                throw S3Error.wrapping(error, as: .source, "The source of \(key) broke off: \(error)")
            }
            // What is in the buffer counts, whatever the source says.
            guard buffer.count > before else {
                try checkEnd()
                return true
            }
            try count(buffer.count - before)
        }
        return false
    }

    private func count(_ added: Int) throws(S3Error) {
        let total = received.add(added, ordering: .relaxed).newValue
        guard total <= maximumBytes else { throw tooLarge(total) }
        if let announced, total > announced {
            throw S3Error(
                .lengthMismatch, "The source of \(key) sent more than the \(announced) bytes it announced.")
        }
    }

    private func checkEnd() throws(S3Error) {
        let total = received.load(ordering: .relaxed)
        if let announced, total < announced {
            throw S3Error(.lengthMismatch, "The source of \(key) ended after \(total) of \(announced) bytes.")
        }
    }

    private func tooLarge(_ size: Int) -> S3Error {
        S3Error(.tooLarge, "\(key) has \(size) bytes or more; \(maximumBytes) are allowed.")
    }
}
