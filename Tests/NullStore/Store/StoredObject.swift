// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What is kept of an object.
struct StoredObject {
    let size: Int
    /// With its quotes. Not an MD5 and not like one, so that nobody takes it for one; each write has another.
    let etag: String
    let crc32c: UInt32
    /// Metadata, encryption, content type, retention: what HEAD tells again.
    let headers: [(name: String, value: String)]
    /// The bytes of a small object.
    let bytes: [UInt8]?
    /// Seconds since 1970.
    let modified: Int

    /// The headers of a request that belong to the object it makes.
    static func lasting(_ headers: [(name: String, value: String)]) -> [(name: String, value: String)] {
        headers.filter { name, _ in
            name == "content-type" || name.hasPrefix("x-amz-meta-") || name.hasPrefix("x-amz-server-side-encryption")
                || name.hasPrefix("x-amz-object-lock-")
        }
    }
}

/// A part that has come.
struct StoredPart {
    let size: Int
    let etag: String
    let crc32c: UInt32
}

/// A multipart upload under way.
struct PendingUpload {
    let key: String
    let headers: [(name: String, value: String)]
    let initiated: Int
    var parts: [Int: StoredPart] = [:]
}

/// A part as the completion names it.
struct NamedPart: Equatable {
    let number: Int
    let etag: String
    let crc32c: String?
}

/// What must hold for a write to take place.
struct WriteCondition {
    var mustBeAbsent = false
    var etag: String?

    init(_ headers: [(name: String, value: String)]) {
        for (name, value) in headers {
            if name == "if-none-match", value == "*" { mustBeAbsent = true }
            if name == "if-match" { etag = value }
        }
    }
}
