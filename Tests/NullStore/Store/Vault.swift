// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Everything the store keeps: facts about objects, and the bytes of small ones.
final class Vault: Sendable {
    struct Bucket {
        var objects: [String: StoredObject] = [:]
        var uploads: [String: PendingUpload] = [:]
    }

    private struct Contents {
        var buckets: [String: Bucket] = [:]
        var counter = 0
    }

    private let contents = Mutex(Contents())

    func makeBucket(_ name: String) {
        contents.withLock { contents in
            if contents.buckets[name] == nil { contents.buckets[name] = Bucket() }
        }
    }

    func removeBucket(_ name: String) throws(Refusal) {
        let isEmpty = try inBucket(name) { bucket, _ throws(Refusal) in bucket.objects.isEmpty }
        guard isEmpty else { throw Refusal(409, "BucketNotEmpty", "\(name) is not empty") }
        contents.withLock { contents in contents.buckets[name] = nil }
    }

    func hasBucket(_ name: String) -> Bool { contents.withLock { $0.buckets[name] != nil } }

    /// Forgets all objects and uploads.
    func clear() {
        contents.withLock { contents in
            for name in contents.buckets.keys { contents.buckets[name] = Bucket() }
        }
    }

    /// Does something to a bucket, alone; it is given a number that has not been used before.
    func inBucket<Result>(
        _ name: String, _ body: (inout Bucket, _ number: Int) throws(Refusal) -> Result
    ) throws(Refusal) -> Result {
        try contents.withLock { contents throws(Refusal) in
            guard var bucket = contents.buckets.removeValue(forKey: name) else {
                throw Refusal(404, "NoSuchBucket", "there is no bucket \(name)")
            }
            defer { contents.buckets[name] = bucket }
            contents.counter += 1
            return try body(&bucket, contents.counter)
        }
    }

    func object(_ bucket: String, _ key: String) throws(Refusal) -> StoredObject {
        try inBucket(bucket) { bucket, _ throws(Refusal) in
            guard let object = bucket.objects[key] else { throw Refusal(404, "NoSuchKey", "there is no such object") }
            return object
        }
    }
}

extension Vault.Bucket {
    /// Whether a write may take place.
    func check(_ condition: WriteCondition, _ key: String) throws(Refusal) {
        let present = objects[key]
        if condition.mustBeAbsent, present != nil {
            throw Refusal(412, "PreconditionFailed", "the object is there already")
        }
        if let etag = condition.etag {
            guard let present else { throw Refusal(404, "NoSuchKey", "there is no such object") }
            guard present.etag == etag else { throw Refusal(412, "PreconditionFailed", "the object has changed") }
        }
    }

    func upload(_ id: String, _ key: String) throws(Refusal) -> PendingUpload {
        guard let upload = uploads[id], upload.key == key else {
            throw Refusal(404, "NoSuchUpload", "there is no such upload")
        }
        return upload
    }
}

extension PendingUpload {
    /// The smallest part but the last.
    static let minimumPartSize = 5 << 20

    /// Compares what a completion names with what has come; the parts in their order.
    func selected(_ named: [NamedPart]) throws(Refusal) -> [StoredPart] {
        guard !named.isEmpty, zip(named, named.dropFirst()).allSatisfy({ $0.number < $1.number }) else {
            throw Refusal(400, "InvalidPartOrder", "the parts are not in ascending order")
        }
        var result: [StoredPart] = []
        for part in named {
            guard let stored = parts[part.number], stored.etag == part.etag else {
                throw Refusal(400, "InvalidPart", "part \(part.number) has not come, or has another ETag")
            }
            if let said = part.crc32c, said != CRC32CText.base64(stored.crc32c) {
                throw Refusal(400, "BadDigest", "part \(part.number) has another CRC32C")
            }
            guard stored.size >= Self.minimumPartSize || part == named.last else {
                throw Refusal(400, "EntityTooSmall", "part \(part.number) is smaller than 5 MiB")
            }
            result.append(stored)
        }
        return result
    }
}
