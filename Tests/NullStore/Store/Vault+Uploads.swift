// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CCRC32C

extension Vault {
    func createUpload(_ request: StoreRequest, now: Int) throws(Refusal) -> StoreAnswer {
        let id = try inBucket(request.bucket) { bucket, number throws(Refusal) in
            let id = "upload-\(number)"
            bucket.uploads[id] = PendingUpload(
                key: request.key, headers: StoredObject.lasting(request.headers), initiated: now)
            return id
        }
        return .xml(
            "<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                + "<Bucket>\(request.bucket)</Bucket><Key>\(XMLText.escaped(request.key))</Key>"
                + "<UploadId>\(id)</UploadId></InitiateMultipartUploadResult>")
    }

    func uploadPart(_ request: StoreRequest, _ body: ReceivedBody) throws(Refusal) -> StoreAnswer {
        guard let number = Int(request.query["partNumber"] ?? ""), (1...10_000).contains(number) else {
            throw Refusal(400, "InvalidArgument", "partNumber is not within 1 to 10000")
        }
        let part = try inBucket(request.bucket) { bucket, count throws(Refusal) in
            let id = request.query["uploadId"] ?? ""
            _ = try bucket.upload(id, request.key)
            let part = StoredPart(size: body.size, etag: "\"\(String(count, radix: 16))-part\"", crc32c: body.crc32c)
            bucket.uploads[id]?.parts[number] = part
            return part
        }
        return StoreAnswer(headers: [("etag", part.etag), ("x-amz-checksum-crc32c", CRC32CText.base64(part.crc32c))])
    }

    func completeUpload(_ request: StoreRequest, _ body: ReceivedBody, now: Int) throws(Refusal) -> StoreAnswer {
        guard let named = body.bytes.flatMap(XMLText.parts) else {
            throw Refusal(400, "MalformedXML", "the body names no parts")
        }
        let object = try inBucket(request.bucket) { bucket, number throws(Refusal) in
            let id = request.query["uploadId"] ?? ""
            let upload = try bucket.upload(id, request.key)
            let object = try Self.assemble(upload, named, request, number: number, now: now)
            try bucket.check(WriteCondition(request.headers), request.key)
            bucket.objects[request.key] = object
            bucket.uploads[id] = nil
            return object
        }
        return .xml(
            "<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                + "<Bucket>\(request.bucket)</Bucket><Key>\(XMLText.escaped(request.key))</Key>"
                + "<ETag>\(XMLText.escaped(object.etag))</ETag>"
                + "<ChecksumCRC32C>\(CRC32CText.base64(object.crc32c))</ChecksumCRC32C>"
                + "<ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>")
    }

    private static func assemble(
        _ upload: PendingUpload, _ named: [NamedPart], _ request: StoreRequest, number: Int, now: Int
    ) throws(Refusal) -> StoredObject {
        let parts = try upload.selected(named)
        let size = parts.reduce(0) { $0 + $1.size }
        let crc32c = parts.reduce(0 as UInt32) { crc32c_combine($0, $1.crc32c, UInt64($1.size)) }
        // A checksum of checksums (`…-3`) says nothing that the parts' own do not.
        if let said = request.header("x-amz-checksum-crc32c"), !said.contains("-"), said != CRC32CText.base64(crc32c) {
            throw Refusal(400, "BadDigest", "the CRC32C of the whole is \(CRC32CText.base64(crc32c)), not \(said)")
        }
        if let said = request.header("x-amz-mp-object-size"), Int(said) != size {
            throw Refusal(400, "InvalidRequest", "the parts are \(size) bytes together, not \(said)")
        }
        return StoredObject(
            size: size, etag: "\"\(String(number, radix: 16))-\(parts.count)\"", crc32c: crc32c,
            headers: upload.headers, bytes: nil, modified: now)
    }

    func listUploads(_ request: StoreRequest) throws(Refusal) -> StoreAnswer {
        let prefix = request.query["prefix"] ?? ""
        let uploads = try inBucket(request.bucket) { bucket, _ throws(Refusal) in
            bucket.uploads.filter { $0.value.key.hasPrefix(prefix) }
        }
        var text = "<ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        text += "<Bucket>\(request.bucket)</Bucket><IsTruncated>false</IsTruncated>"
        for (id, upload) in uploads.sorted(by: { ($0.value.key, $0.key) < ($1.value.key, $1.key) }) {
            text += "<Upload><Key>\(XMLText.escaped(upload.key))</Key><UploadId>\(id)</UploadId>"
            text += "<Initiated>\(XMLText.date(upload.initiated))</Initiated></Upload>"
        }
        return .xml(text + "</ListMultipartUploadsResult>")
    }
}
