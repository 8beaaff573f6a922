// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// What the store says about an object: the headers of HEAD and GET.
package struct S3ObjectInfo: Sendable, Hashable {
    package let size: Int
    /// With its quotes, as conditional requests name it.
    package let etag: String
    package let contentType: String?
    /// User metadata, names in lower case without `x-amz-meta-`, values decoded.
    package let metadata: [String: String]
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; nil where the store reports no encryption.
    package let encryption: String?
    package let kmsKeyID: String?
    package let usesBucketKey: Bool
    /// Checksums by lower-case algorithm (`crc32c`, `crc64nvme`, `sha256`), values as the store writes them.
    package let checksums: [String: String]
    /// `FULL_OBJECT` or `COMPOSITE`; nil where the store does not say.
    package let checksumType: String?
    package let versionID: String?
    package let lastModified: String?
    /// `GOVERNANCE` or `COMPLIANCE`, where the object is locked and may be seen to be.
    package let lockMode: String?
    package let retainUntil: String?

    /// The Base64 CRC32C of the whole object, where the store keeps one: not of a multipart object's parts.
    package var fullCRC32C: String? {
        guard let value = checksums["crc32c"], checksumType != "COMPOSITE", !value.contains("-") else { return nil }
        return value
    }

    /// Reads the headers; nil where there is no entity tag or no length.
    init?(_ headers: HTTPHeaders, size: Int? = nil) {
        guard let etag = headers["etag"],
            let size = size ?? headers["content-length"].flatMap({ Int($0) }), size >= 0
        else { return nil }
        self.size = size
        self.etag = etag
        contentType = headers["content-type"]
        metadata = ObjectMetadata.decoded(headers)
        encryption = headers["x-amz-server-side-encryption"]
        kmsKeyID = headers["x-amz-server-side-encryption-aws-kms-key-id"]
        usesBucketKey = headers["x-amz-server-side-encryption-bucket-key-enabled"]?.lowercased() == "true"
        checksums = Self.checksums(headers)
        checksumType = headers["x-amz-checksum-type"]?.uppercased()
        versionID = headers["x-amz-version-id"]
        lastModified = headers["last-modified"]
        lockMode = headers["x-amz-object-lock-mode"]
        retainUntil = headers["x-amz-object-lock-retain-until-date"]
    }

    private static func checksums(_ headers: HTTPHeaders) -> [String: String] {
        var result: [String: String] = [:]
        for algorithm in ["crc32c", "crc32", "crc64nvme", "sha1", "sha256"] {
            result[algorithm] = headers["x-amz-checksum-\(algorithm)"]
        }
        return result
    }
}

/// An object read into memory.
package struct S3Object: Sendable {
    package let info: S3ObjectInfo
    package let bytes: [UInt8]
}

/// An object whose body is read as it is asked for.
package struct S3ObjectStream: Sendable {
    package let info: S3ObjectInfo
    private let body: any S3Body

    init(info: S3ObjectInfo, body: any S3Body) {
        self.info = info
        self.body = body
    }

    /// Appends to the buffer until it is full or the object ends; returns the bytes added, 0 at the end.
    package func fill(_ buffer: TransferBuffer) async throws(S3Error) -> Int {
        do {
            return try await body.fill(buffer)
        } catch {
            throw S3Error(
                error.code == .cancelled ? .cancelled : .transport,
                "Reading the object broke off: \(error.description)", underlying: error, isRetriable: error.isRetriable)
        }
    }

    /// Drops the rest.
    package func cancel() { body.cancel() }
}
