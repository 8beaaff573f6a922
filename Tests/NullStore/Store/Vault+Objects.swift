// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Carries out a request whose signature and body are right.
    func answer(_ request: StoreRequest, _ body: ReceivedBody, now: Int) throws(Refusal) -> StoreAnswer {
        switch request.operation {
        case .headBucket:
            guard hasBucket(request.bucket) else { throw Refusal(404, "NoSuchBucket", "there is no such bucket") }
            return StoreAnswer()
        case .createBucket:
            makeBucket(request.bucket)
            return StoreAnswer()
        case .deleteBucket:
            try removeBucket(request.bucket)
            return StoreAnswer(status: 204)
        case .listObjects: return try listObjects(request)
        case .listUploads: return try listUploads(request)
        case .headObject: return try object(request, withBody: false)
        case .getObject: return try object(request, withBody: true)
        case .putObject: return try put(request, body, now: now)
        case .deleteObject:
            try inBucket(request.bucket) { bucket, _ throws(Refusal) in
                _ = bucket.objects.removeValue(forKey: request.key)
            }
            return StoreAnswer(status: 204)
        case .createUpload: return try createUpload(request, now: now)
        case .uploadPart: return try uploadPart(request, body)
        case .completeUpload: return try completeUpload(request, body, now: now)
        case .abortUpload:
            try inBucket(request.bucket) { bucket, _ throws(Refusal) in
                guard bucket.uploads.removeValue(forKey: request.query["uploadId"] ?? "") != nil else {
                    throw Refusal(404, "NoSuchUpload", "there is no such upload")
                }
            }
            return StoreAnswer(status: 204)
        }
    }

    private func put(_ request: StoreRequest, _ body: ReceivedBody, now: Int) throws(Refusal) -> StoreAnswer {
        if request.header("x-amz-copy-source") != nil { throw Refusal(501, "NotImplemented", "copies") }
        let stored = try inBucket(request.bucket) { bucket, number throws(Refusal) in
            try bucket.check(WriteCondition(request.headers), request.key)
            let object = StoredObject(
                size: body.size, etag: "\"\(String(number, radix: 16))-put\"", crc32c: body.crc32c,
                headers: StoredObject.lasting(request.headers), bytes: body.bytes, modified: now)
            bucket.objects[request.key] = object
            return object
        }
        return StoreAnswer(headers: stored.answerHeaders)
    }

    private func object(_ request: StoreRequest, withBody: Bool) throws(Refusal) -> StoreAnswer {
        let object = try object(request.bucket, request.key)
        var answer = StoreAnswer(
            headers: object.answerHeaders + object.headers.filter { !$0.name.hasPrefix("x-amz-server") })
        answer.headers.append(("last-modified", XMLText.httpDate(object.modified)))
        guard withBody else {
            answer.announcedLength = object.size
            return answer
        }
        guard let bytes = object.bytes else {
            throw Refusal(
                501, "NotImplemented", "this store throws away what is larger than \(BodyReceiver.keptBytes) bytes")
        }
        answer.body = bytes
        return answer
    }

    private func listObjects(_ request: StoreRequest) throws(Refusal) -> StoreAnswer {
        let prefix = request.query["prefix"] ?? ""
        let start = request.query["continuation-token"] ?? request.query["start-after"] ?? ""
        let limit = min(max(Int(request.query["max-keys"] ?? "") ?? 1000, 1), 1000)
        let delimiter = request.query["delimiter"] ?? ""
        let found = try inBucket(request.bucket) { bucket, _ throws(Refusal) in
            bucket.objects.filter { $0.key.hasPrefix(prefix) && $0.key > start }
        }
        var text = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        text += "<Name>\(request.bucket)</Name><Prefix>\(XMLText.escaped(prefix))</Prefix>"
        var (folders, count, last) = (Set<String>(), 0, "")
        for (key, object) in found.sorted(by: { $0.key < $1.key }) where count < limit {
            last = key
            let rest = key.dropFirst(prefix.count)
            if !delimiter.isEmpty, let end = rest.firstRange(of: delimiter)?.upperBound {
                let folder = prefix + rest[..<end]
                guard folders.insert(folder).inserted else { continue }
                text += "<CommonPrefixes><Prefix>\(XMLText.escaped(folder))</Prefix></CommonPrefixes>"
            } else {
                text += "<Contents><Key>\(XMLText.escaped(key))</Key><Size>\(object.size)</Size>"
                text += "<ETag>\(XMLText.escaped(object.etag))</ETag><StorageClass>STANDARD</StorageClass>"
                text += "<LastModified>\(XMLText.date(object.modified))</LastModified></Contents>"
            }
            count += 1
        }
        let isTruncated = found.keys.contains { $0 > last } && count == limit
        text += "<KeyCount>\(count)</KeyCount><MaxKeys>\(limit)</MaxKeys><IsTruncated>\(isTruncated)</IsTruncated>"
        if isTruncated { text += "<NextContinuationToken>\(XMLText.escaped(last))</NextContinuationToken>" }
        return .xml(text + "</ListBucketResult>")
    }
}

extension StoredObject {
    /// What a write and a look both tell.
    var answerHeaders: [(name: String, value: String)] {
        [
            ("etag", etag), ("x-amz-checksum-crc32c", CRC32CText.base64(crc32c)),
            ("x-amz-checksum-type", "FULL_OBJECT"),
        ] + headers.filter { $0.name.hasPrefix("x-amz-server-side-encryption") }
    }
}
