// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

extension S3Client {
    /// Stores an object (PutObject). With a condition it is sent once: see `S3Error.mayHaveHappened`.
    package func put(
        _ key: String, _ body: HTTPRequestBody, options: S3PutOptions = S3PutOptions()
    ) async throws(S3Error) -> S3PutResult {
        var call = S3Call(
            operation: "PutObject", method: .put, key: key, body: body, timeouts: timeouts(sending: body.count))
        call.isRepeatable = options.condition == nil
        call.headers = [("content-type", options.contentType)] + configuration.encryption.headers
        call.headers += try ObjectMetadata.headers(options.metadata)
        call.headers += options.retention?.headers ?? []
        call.headers.append(("x-amz-checksum-crc32c", (options.checksum ?? body.crc32c).base64))
        if let condition = options.condition { call.headers.append(condition.header) }
        let response = try await perform(call)
        guard let etag = response.headers["etag"] else {
            throw .malformed(call, target: configuration.target(key), lacks: "an ETag", status: response.status)
        }
        return S3PutResult(
            etag: etag, versionID: response.headers["x-amz-version-id"],
            checksum: response.headers["x-amz-checksum-crc32c"])
    }

    /// Looks at an object without reading it (HeadObject, with its checksums); `notFound` where there is none.
    ///
    /// An answer to HEAD has no body, so a missing bucket, too, is `notFound` here; `headBucket` tells them apart.
    package func head(_ key: String) async throws(S3Error) -> S3ObjectInfo {
        var call = S3Call(operation: "HeadObject", method: .head, key: key, timeouts: configuration.timeouts)
        call.headers = [("x-amz-checksum-mode", "ENABLED")]
        let response = try await perform(call)
        guard let info = S3ObjectInfo(response.headers) else {
            throw .malformed(call, target: configuration.target(key), lacks: "ETag and length", status: response.status)
        }
        return info
    }

    /// Reads an object into memory (GetObject); `notFound` where there is none, `tooLarge` beyond `maximumBytes`.
    package func get(_ key: String, maximumBytes: Int) async throws(S3Error) -> S3Object {
        var call = S3Call(operation: "GetObject", method: .get, key: key, timeouts: configuration.timeouts)
        call.maximumResponseBytes = max(maximumBytes, 1 << 16)
        let response: HTTPResponse
        do {
            response = try await perform(call)
        } catch let error where error.transportError?.code == .tooLarge {
            throw tooLarge(key, maximumBytes)
        }
        guard response.body.count <= maximumBytes else { throw tooLarge(key, maximumBytes) }
        guard let info = S3ObjectInfo(response.headers, size: response.body.count) else {
            throw .malformed(call, target: configuration.target(key), lacks: "an ETag", status: response.status)
        }
        return S3Object(info: info, bytes: response.body)
    }

    /// Opens an object for reading piece by piece; `notFound` where there is none.
    package func stream(_ key: String) async throws(S3Error) -> S3ObjectStream {
        var call = S3Call(operation: "GetObject", method: .get, key: key, timeouts: configuration.timeouts)
        call.timeouts.stall = configuration.stallTimeout
        let body = try await open(call)
        guard let info = S3ObjectInfo(body.headers) else {
            body.cancel()
            throw .malformed(call, target: configuration.target(key), lacks: "ETag and length", status: body.status)
        }
        return S3ObjectStream(info: info, body: body)
    }

    /// Deletes an object (DeleteObject); one that is not there counts as deleted.
    package func delete(_ key: String) async throws(S3Error) {
        do {
            _ = try await perform(
                S3Call(operation: "DeleteObject", method: .delete, key: key, timeouts: configuration.timeouts))
        } catch let error where error.kind == .notFound {}
    }

    private func tooLarge(_ key: String, _ limit: Int) -> S3Error {
        S3Error(.tooLarge, "\(configuration.target(key)) is larger than the \(limit) bytes that are read.")
    }

    /// Allows a body time to be sent at 32 KiB/s; a connection that stands still is found by the stall time.
    func timeouts(sending count: Int) -> HTTPTimeouts {
        guard count > 1 << 16 else { return configuration.timeouts }
        return HTTPTimeouts(
            connect: configuration.timeouts.connect,
            response: configuration.timeouts.response + configuration.stallTimeout + .seconds(count >> 15),
            stall: configuration.stallTimeout)
    }
}

extension HTTPRequestBody {
    var crc32c: CRC32C {
        switch self {
        case .none: return CRC32C()
        case .bytes(let bytes): return CRC32C(bytes)
        case .buffer(let buffer):
            var checksum = CRC32C()
            unsafe buffer.withUnsafeBytes { unsafe checksum.update($0) }
            return checksum
        }
    }
}
