// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// Proves that a store honours conditional writes and checksums, before anything relies on them.
package struct StorageProbe: Sendable {
    /// What a store did that it must not do.
    package enum Fault: String, Sendable, Hashable, CaseIterable {
        /// `If-None-Match: *` overwrote an object.
        case ignoresIfNoneMatch
        /// `If-Match` with another entity tag overwrote an object.
        case ignoresIfMatch
        /// `If-Match` with the right entity tag was refused.
        case refusesIfMatch
        /// A put whose CRC32C was wrong was stored.
        case ignoresChecksum
        /// A multipart upload with a wrong CRC32C of the whole was completed.
        case ignoresFullObjectChecksum
        /// A multipart upload with the right CRC32C of the whole was refused.
        case refusesFullObjectChecksum
    }

    /// What the probe found.
    package struct Report: Sendable, Hashable {
        /// Empty where everything is as it must be.
        package let faults: [Fault]

        package var honoursConditions: Bool {
            Set(faults).isDisjoint(with: [.ignoresIfNoneMatch, .ignoresIfMatch, .refusesIfMatch])
        }
    }

    private let client: S3Client

    package init(_ client: S3Client) { self.client = client }

    /// Tries conditional writes under `key`, which must be nobody else's, and deletes what it wrote; throws where the
    /// store could not be asked.
    package func run(key: String) async throws(S3Error) -> Report {
        try await report(key) { () async throws(S3Error) in try await examineConditions(key) }
    }

    /// Tries checksums in the same way: of a put, and of a multipart object as a whole.
    package func runChecksums(key: String) async throws(S3Error) -> Report {
        try await report(key) { () async throws(S3Error) in
            try await examinePut(key) + examineMultipart(key, isRight: false) + examineMultipart(key, isRight: true)
        }
    }

    private func report(
        _ key: String, _ examine: () async throws(S3Error) -> [Fault]
    ) async throws(S3Error) -> Report {
        try await client.delete(key)
        do {
            let faults = try await examine()
            try await client.delete(key)
            return Report(faults: faults)
        } catch {
            // The first error is the one that counts; what it leaves behind is one small object of the probe's own.
            try? await client.delete(key)
            throw error
        }
    }

    private func examineConditions(_ key: String) async throws(S3Error) -> [Fault] {
        var faults: [Fault] = []
        let first = try await put("one", key, nil)
        if try await put("two", key, .absent) != nil { faults.append(.ignoresIfNoneMatch) }
        let wrong = "\"00000000000000000000000000000000\""
        if try await put("three", key, .matches(wrong)) != nil { faults.append(.ignoresIfMatch) }
        // Whatever lies there now, its own tag must be accepted.
        let etag = faults.isEmpty ? first : try await client.head(key).etag
        if try await put("four", key, .matches(etag ?? wrong)) == nil, try await !isStored("four", key) {
            faults.append(.refusesIfMatch)
        }
        return faults
    }

    /// Whether that very text lies there: then the write that was refused is the repetition of one that took place,
    /// made on a new connection when the first broke before it answered.
    private func isStored(_ text: String, _ key: String) async throws(S3Error) -> Bool {
        do {
            return try await client.get(key, maximumBytes: 1 << 16).bytes == Array(text.utf8)
        } catch let error where error.kind == .notFound {
            return false
        }
    }

    /// The new entity tag, or nil where the condition kept the write from taking place.
    private func put(_ text: String, _ key: String, _ condition: S3Condition?) async throws(S3Error) -> String? {
        do {
            let options = S3PutOptions(contentType: "text/plain", condition: condition)
            return try await client.put(key, .bytes(Array(text.utf8)), options: options).etag
        } catch let error where condition != nil && [.preconditionFailed, .conflict].contains(error.kind) {
            return nil
        }
    }

    private func examinePut(_ key: String) async throws(S3Error) -> [Fault] {
        do {
            let options = S3PutOptions(contentType: "text/plain", checksum: CRC32C([0]))
            _ = try await client.put(key, .bytes(Array("one".utf8)), options: options)
            return [.ignoresChecksum]
        } catch let error where error.isRefusalOfContent {
            return []
        }
    }

    private func examineMultipart(_ key: String, isRight: Bool) async throws(S3Error) -> [Fault] {
        let bytes = Array("one".utf8)
        let uploadID = try await client.createMultipartUpload(key)
        do {
            let part = try await client.uploadPart(
                key, uploadID: uploadID, number: 1, .bytes(bytes), checksum: CRC32C(bytes))
            _ = try await client.completeMultipartUpload(
                key, uploadID: uploadID, parts: [part], checksum: isRight ? CRC32C(bytes) : CRC32C([0]))
            return isRight ? [] : [.ignoresFullObjectChecksum]
        } catch {
            try await client.abortMultipartUpload(key, uploadID: uploadID)
            guard error.isRefusalOfContent else { throw error }
            return isRight ? [.refusesFullObjectChecksum] : []
        }
    }
}

extension S3Error {
    /// The store looked at what was sent and did not like it.
    fileprivate var isRefusalOfContent: Bool { kind == .checksumMismatch || kind == .invalidRequest }
}
