// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// What an upload is to store, and where.
package struct S3Upload: Sendable {
    package var key: String
    package var contentType: String
    /// Metadata known before the first byte came.
    package var metadata: [String: String]
    /// Metadata known once the content is, added where the whole object goes in a single put.
    package var finalMetadata: @Sendable (S3ContentDigest) -> [String: String]
    /// The metadata name under which objects of this kind carry their SHA-256 (lower-case hexadecimal), asked when an
    /// object with other or no checksums is to be compared; nil where they carry none.
    package var sha256MetadataName: String?
    /// More bytes are `tooLarge`.
    package var maximumBytes: Int
    /// The entity tag of an object that gives way; nil where nothing may lie under the key.
    package var replacing: String?

    package init(
        key: String, contentType: String = "application/octet-stream", metadata: [String: String] = [:],
        finalMetadata: @escaping @Sendable (S3ContentDigest) -> [String: String] = { _ in [:] },
        sha256MetadataName: String? = nil, maximumBytes: Int = .max, replacing: String? = nil
    ) {
        self.key = key
        self.contentType = contentType
        self.metadata = metadata
        self.finalMetadata = finalMetadata
        self.sha256MetadataName = sha256MetadataName
        self.maximumBytes = maximumBytes
        self.replacing = replacing
    }
}

/// Where an upload's bytes come from: pulled, so that nothing is read that there is no room for.
package struct S3UploadSource: Sendable {
    /// The length announced, which must then be the length that comes.
    package let announcedBytes: Int?
    /// Appends to the buffer until it is full or the source ends; returns the bytes added, 0 at the end. Ends early
    /// with an error when its task is cancelled.
    package let fill: @Sendable (TransferBuffer) async throws -> Int

    package init(announcedBytes: Int?, fill: @escaping @Sendable (TransferBuffer) async throws -> Int) {
        self.announcedBytes = announcedBytes
        self.fill = fill
    }
}

/// Who wants to know how an upload gets on.
package struct S3UploadObserver: Sendable {
    /// Called once a multipart upload has begun and before its first part; an error ends the upload, which is aborted.
    package let started: @Sendable (_ uploadID: String) async throws -> Void
    /// Bytes stored so far, and in all where that was announced.
    package let progress: @Sendable (_ bytes: Int, _ total: Int?) -> Void

    package init(
        started: @escaping @Sendable (_ uploadID: String) async throws -> Void = { _ in },
        progress: @escaping @Sendable (_ bytes: Int, _ total: Int?) -> Void = { _, _ in }
    ) {
        self.started = started
        self.progress = progress
    }
}

/// An object as it lies in the store now.
package struct S3UploadResult: Sendable, Hashable {
    package let digest: S3ContentDigest
    /// With its quotes.
    package let etag: String
    package let versionID: String?
    /// How many parts were sent; 1 for a single put.
    package let parts: Int
    /// The same content lay there already, by somebody else's hand or by ours with a lost answer.
    package let wasThere: Bool

    package var size: Int { digest.size }
    package var sha256: String { digest.sha256 }
    /// Base64 CRC32C of the whole, which the store has compared with what it received.
    package var checksum: String { digest.checksum.base64 }
}
