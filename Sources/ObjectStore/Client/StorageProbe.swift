// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// Proves that a store honours conditional writes, before anything relies on them.
package struct StorageProbe: Sendable {
    /// What a store did that it must not do.
    package enum Fault: String, Sendable, Hashable, CaseIterable {
        /// `If-None-Match: *` overwrote an object.
        case ignoresIfNoneMatch
        /// `If-Match` with another entity tag overwrote an object.
        case ignoresIfMatch
        /// `If-Match` with the right entity tag was refused.
        case refusesIfMatch
    }

    /// What the probe found.
    package struct Report: Sendable, Hashable {
        /// Empty where both conditions are honoured.
        package let faults: [Fault]

        package var honoursConditions: Bool { faults.isEmpty }
    }

    private let client: S3Client

    package init(_ client: S3Client) { self.client = client }

    /// Writes, overwrites and deletes an object under `key`, which must be nobody else's; throws where the store could
    /// not be asked.
    package func run(key: String) async throws(S3Error) -> Report {
        try await client.delete(key)
        do {
            let faults = try await examine(key)
            try await client.delete(key)
            return Report(faults: faults)
        } catch {
            // The first error is the one that counts; what it leaves behind is one small object of the probe's own.
            try? await client.delete(key)
            throw error
        }
    }

    private func examine(_ key: String) async throws(S3Error) -> [Fault] {
        var faults: [Fault] = []
        let first = try await put("one", key, nil)
        if try await put("two", key, .absent) != nil { faults.append(.ignoresIfNoneMatch) }
        let wrong = "\"00000000000000000000000000000000\""
        if try await put("three", key, .matches(wrong)) != nil { faults.append(.ignoresIfMatch) }
        // Whatever lies there now, its own tag must be accepted.
        let etag = faults.isEmpty ? first : try await client.head(key).etag
        if try await put("four", key, .matches(etag ?? wrong)) == nil { faults.append(.refusesIfMatch) }
        return faults
    }

    /// The new entity tag, or nil where the condition kept the write from taking place.
    private func put(_ text: String, _ key: String, _ condition: S3Condition?) async throws(S3Error) -> String? {
        do {
            let options = S3PutOptions(contentType: "text/plain", condition: condition)
            return try await client.put(key, .bytes(Array(text.utf8)), options: options).etag
        } catch where condition != nil && [.preconditionFailed, .conflict].contains(error.kind) {
            return nil
        }
    }
}
