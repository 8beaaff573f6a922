// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// What lies under a key, compared with content we have.
package enum S3Comparison: Sendable, Hashable {
    case same(S3ObjectInfo)
    /// Says in what.
    case different(String)
    case missing
}

/// What HEAD says about an object that was stored.
package enum S3Verification: Sendable, Hashable {
    /// Size, checksum and encryption are as they must be.
    case matches(S3ObjectInfo)
    /// Says what is not, and the entity tag of the object.
    case differs(String, etag: String)
    case missing
}

extension S3Client {
    /// Looks at a stored object with HEAD: its size, its full-object CRC32C (Base64) where both we and the store have
    /// one, and that it is encrypted as this client asks.
    package func verify(_ key: String, size: Int, checksum: String?) async throws(S3Error) -> S3Verification {
        let info: S3ObjectInfo
        do {
            info = try await head(key)
        } catch let error where error.kind == .notFound {
            return .missing
        }
        guard info.size == size else { return .differs("\(info.size) bytes, not \(size)", etag: info.etag) }
        if let checksum, let stored = info.fullCRC32C, stored != checksum {
            return .differs("its CRC32C is \(stored), not \(checksum)", etag: info.etag)
        }
        guard configuration.encryption.isSatisfied(by: info) else {
            return .differs(
                "it is kept with encryption \(info.encryption ?? "none"), not as asked", etag: info.etag)
        }
        return .matches(info)
    }

    /// Compares an object with content by the cheapest proof there is: size, then the full-object checksum from HEAD,
    /// else the SHA-256 in its metadata, else its bytes, read through the buffer that `reading` lends.
    func compare(
        _ key: String, with content: S3ContentDigest, sha256MetadataName: String?,
        reading buffer: @Sendable () async throws(S3Error) -> TransferBuffer
    ) async throws(S3Error) -> S3Comparison {
        let info: S3ObjectInfo
        do {
            info = try await head(key)
        } catch let error where error.kind == .notFound {
            return .missing
        }
        guard info.size == content.size else { return .different("\(info.size) bytes, not \(content.size)") }
        let noted = sha256MetadataName.flatMap { info.metadata[$0.lowercased()]?.lowercased() }
        // Where both are there both must agree: a checksum of 32 bits alone is weak against a crafted object.
        if let noted, noted != content.sha256 { return .different("its SHA-256 is \(noted), not \(content.sha256)") }
        if let checksum = info.fullCRC32C {
            let isSame = checksum == content.checksum.base64
            return isSame ? .same(info) : .different("its CRC32C is \(checksum), not \(content.checksum.base64)")
        }
        if noted != nil { return .same(info) }
        return try await compareBytes(key, with: content, info: info, buffer: try await buffer())
    }

    private func compareBytes(
        _ key: String, with content: S3ContentDigest, info: S3ObjectInfo, buffer: TransferBuffer
    ) async throws(S3Error) -> S3Comparison {
        let stream: S3ObjectStream
        do {
            stream = try await self.stream(key)
        } catch let error where error.kind == .notFound {
            return .missing
        }
        defer { stream.cancel() }
        let digest = TransferDigest()
        repeat {
            buffer.count = 0
            while buffer.room > 0, try await stream.fill(buffer) > 0 {}
            _ = await digest.add(buffer).value
        } while buffer.count > 0
        let stored = digest.value
        return stored == content ? .same(info) : .different("its SHA-256 is \(stored.sha256), not \(content.sha256)")
    }
}
