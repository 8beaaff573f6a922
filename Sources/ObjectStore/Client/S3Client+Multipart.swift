// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import HTTPTransport

/// A part as the completion of its upload names it.
package struct S3Part: Sendable, Hashable {
    /// From 1 to 10,000, without gaps.
    package let number: Int
    package let etag: String
    package let checksum: CRC32C
    package let size: Int
}

/// A multipart upload that has not been completed.
package struct S3PendingUpload: Sendable, Hashable {
    package let key: String
    package let uploadID: String
    package let initiated: String?
}

extension S3Client {
    /// Begins a multipart upload whose object carries a CRC32C of the whole; returns its id.
    ///
    /// Repeated after a lost answer: the upload that may have begun twice has no parts, and the bucket's lifecycle rule
    /// for incomplete uploads collects it.
    package func createMultipartUpload(
        _ key: String, options: S3PutOptions = S3PutOptions()
    ) async throws(S3Error) -> String {
        var call = S3Call(
            operation: "CreateMultipartUpload", method: .post, key: key, query: [("uploads", "")],
            timeouts: configuration.timeouts)
        call.headers = [("content-type", options.contentType)] + configuration.encryption.headers
        call.headers += try ObjectMetadata.headers(options.metadata)
        call.headers += options.retention?.headers ?? []
        call.headers += [("x-amz-checksum-algorithm", "CRC32C"), ("x-amz-checksum-type", "FULL_OBJECT")]
        let response = try await perform(call)
        guard let document = S3XML.decode(InitiateMultipartUploadResult.self, from: response.body) else {
            throw .malformed(call, target: configuration.target(key), lacks: "an upload id", status: response.status)
        }
        return document.uploadID
    }

    /// Sends one part; the store refuses it where what arrives has another CRC32C.
    package func uploadPart(
        _ key: String, uploadID: String, number: Int, _ body: HTTPRequestBody, checksum: CRC32C
    ) async throws(S3Error) -> S3Part {
        let call = S3Call(
            operation: "UploadPart", method: .put, key: key,
            query: [("partNumber", String(number)), ("uploadId", uploadID)],
            headers: [
                ("content-type", "application/octet-stream"), ("x-amz-checksum-crc32c", checksum.base64),
            ], body: body, timeouts: timeouts(sending: body.count))
        let response = try await perform(call)
        guard let etag = response.headers["etag"] else {
            throw .malformed(call, target: configuration.target(key), lacks: "an ETag", status: response.status)
        }
        return S3Part(number: number, etag: etag, checksum: checksum, size: body.count)
    }

    /// Puts the parts together (CompleteMultipartUpload) if the condition holds and the checksum of the whole agrees.
    ///
    /// Sent once. A success may carry an error in its body, which is an error here, too. After `mayHaveHappened`, and
    /// after `noSuchUpload`, the object itself says whether it was completed.
    package func completeMultipartUpload(
        _ key: String, uploadID: String, parts: [S3Part], checksum: CRC32C, condition: S3Condition? = nil
    ) async throws(S3Error) -> S3PutResult {
        var call = S3Call(
            operation: "CompleteMultipartUpload", method: .post, key: key, query: [("uploadId", uploadID)],
            timeouts: configuration.timeouts)
        call.isRepeatable = false
        call.timeouts.response = configuration.completionTimeout
        call.timeouts.stall = configuration.completionTimeout
        call.headers = [
            ("content-type", "application/xml"), ("x-amz-checksum-crc32c", checksum.base64),
            ("x-amz-checksum-type", "FULL_OBJECT"),
            ("x-amz-mp-object-size", String(parts.reduce(0) { $0 + $1.size })),
        ]
        if let condition { call.headers.append(condition.header) }
        call.body = .bytes(Self.completion(of: parts))
        let response = try await perform(call)
        if S3XML.decode(S3ErrorDocument.self, from: response.body) != nil {
            throw .answer(
                response, to: call, target: configuration.target(key), region: configuration.region)
        }
        guard let document = S3XML.decode(CompleteMultipartUploadResult.self, from: response.body) else {
            throw .malformed(call, target: configuration.target(key), lacks: "a result", status: response.status)
        }
        return S3PutResult(
            etag: document.etag, versionID: response.headers["x-amz-version-id"], checksum: document.checksumCRC32C)
    }

    /// Aborts an upload and frees its parts; one that is gone counts as aborted.
    package func abortMultipartUpload(_ key: String, uploadID: String) async throws(S3Error) {
        do {
            _ = try await perform(
                S3Call(
                    operation: "AbortMultipartUpload", method: .delete, key: key, query: [("uploadId", uploadID)],
                    timeouts: configuration.timeouts))
        } catch let error where error.kind == .noSuchUpload || error.kind == .notFound {}
    }

    /// The uploads under way whose keys begin with `prefix`, the first thousand of them.
    package func listMultipartUploads(prefix: String = "") async throws(S3Error) -> [S3PendingUpload] {
        var call = S3Call(operation: "ListMultipartUploads", method: .get, timeouts: configuration.timeouts)
        call.query = [("uploads", ""), ("prefix", prefix), ("max-uploads", "1000")]
        call.maximumResponseBytes = 4 << 20
        let response = try await perform(call)
        guard let document = S3XML.decode(ListMultipartUploadsResult.self, from: response.body) else {
            throw .malformed(call, target: configuration.target(nil), lacks: "a listing", status: response.status)
        }
        return document.uploads
    }

    private static func completion(of parts: [S3Part]) -> [UInt8] {
        var text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for part in parts {
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(S3XML.escaped(part.etag))</ETag>"
            text += "<ChecksumCRC32C>\(part.checksum.base64)</ChecksumCRC32C></Part>"
        }
        return Array((text + "</CompleteMultipartUpload>").utf8)
    }
}
