// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An artifact as it was stored, from what the upload itself knows.
package struct StoredArtifact: Sendable, Hashable, Codable {
    package let bucket: String
    package let key: String
    package let sizeBytes: Int
    /// SHA-256 of the whole artifact, lower-case hexadecimal.
    package let sha256: String
    /// Full-object checksum that the store verified, as `CRC32C:<base64>`; nil where the store keeps none.
    package let checksum: String?

    package init(bucket: String, key: String, sizeBytes: Int, sha256: String, checksum: String?) {
        self.bucket = bucket
        self.key = key
        self.sizeBytes = sizeBytes
        self.sha256 = sha256
        self.checksum = checksum
    }

    /// The location as events and audit records name it: `s3://bucket/key`.
    package var location: String { "s3://\(bucket)/\(key)" }
}

/// What HEAD says about an object compared with what was stored.
package enum ArtifactVerification: Sendable, Hashable {
    /// Size, checksum and encryption are as they must be; `encryptedAtRest` is what HEAD reported, not what was asked.
    case matches(encryptedAtRest: Bool)
    case missing
    /// Something is not as it must be; says what, and which version of the object it is (S3: its entity tag).
    case differs(String, version: String?)
}

/// Where an artifact has to go and what is written beside it.
package struct ArtifactDestination: Sendable, Hashable {
    package let key: String
    package let format: String
    package let commandID: String
    package let exportID: String
    /// The version of an object under the key that may be replaced: this run's own, which did not verify.
    package let replacing: String?

    package init(key: String, format: String, commandID: String, exportID: String, replacing: String? = nil) {
        self.key = key
        self.format = format
        self.commandID = commandID
        self.exportID = exportID
        self.replacing = replacing
    }
}

/// What a transfer reports while it is under way.
package struct TransferObserver: Sendable {
    /// Called once before the first part of a multipart upload is sent; an error thrown ends the transfer and the
    /// upload is aborted.
    package let uploadStarted: @Sendable (_ uploadID: String) async throws(StepError) -> Void
    /// Bytes stored so far and in all, where the length was announced.
    package let progress: @Sendable (_ bytes: Int, _ total: Int?) -> Void

    package init(
        uploadStarted: @escaping @Sendable (_ uploadID: String) async throws(StepError) -> Void,
        progress: @escaping @Sendable (_ bytes: Int, _ total: Int?) -> Void
    ) {
        self.uploadStarted = uploadStarted
        self.progress = progress
    }
}

/// Moves artifacts from a tenant into the bucket and says what lies there.
package protocol ArtifactStore: Sendable {
    /// Streams the artifact behind `link` to its destination in bounded memory. The first writer of a key wins: an
    /// object that is already there is compared, and a different one is `object_conflict`; what `destination` names as
    /// to be replaced gives way.
    func transfer(
        _ link: DownloadLink, of command: ExportCommand, to destination: ArtifactDestination, context: CallContext,
        observer: TransferObserver
    ) async throws(StepError) -> StoredArtifact

    /// Looks at the stored object with HEAD.
    func verify(_ artifact: StoredArtifact) async throws(StepError) -> ArtifactVerification

    /// Aborts what an earlier owner left behind: the upload its checkpoint recorded, and as far as the store lets this
    /// worker list them any other unfinished upload of `key`. One that is already gone counts as aborted.
    func abortUploads(of key: String, recorded: Checkpoint.Upload?) async throws(StepError)
}
