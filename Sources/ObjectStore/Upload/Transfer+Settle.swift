// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

extension Transfer {
    /// An object that is there for certain.
    struct Settled {
        let etag: String
        let versionID: String?
        let wasThere: Bool

        func result(_ content: S3ContentDigest, parts: Int) -> S3UploadResult {
            S3UploadResult(digest: content, etag: etag, versionID: versionID, parts: parts, wasThere: wasThere)
        }
    }

    /// Makes the final conditional write until it is known whether the content lies under the key.
    ///
    /// Repeating it is safe here, and only here: if a lost answer was a success, the repetition meets our own object,
    /// and an object of the same content is a success whoever wrote it.
    func settle(
        _ content: S3ContentDigest, _ write: (S3Condition) async throws(S3Error) -> S3PutResult
    ) async throws(S3Error) -> Settled {
        var tries = 1
        var condition = upload.replacing.map(S3Condition.matches) ?? .absent
        while true {
            let failure: S3Error
            do {
                let result = try await write(condition)
                return Settled(etag: result.etag, versionID: result.versionID, wasThere: false)
            } catch {
                failure = error
            }
            if let settled = try await alreadyThere(content, after: failure) { return settled }
            if condition != .absent, [.notFound, .preconditionFailed].contains(failure.kind) {
                // What was to be replaced is gone already.
                condition = .absent
                continue
            }
            let retry = client.configuration.retry
            guard failure.isRetriable, ![.conflict, .noSuchUpload].contains(failure.kind), tries < retry.attempts else {
                throw failure
            }
            do {
                try await client.surroundings.sleep(
                    retry.pause(after: tries, asked: failure.retryAfter, chance: client.surroundings.chance()))
            } catch {
                throw S3Error.wrapping(error, as: .cancelled, "Waiting for the object store was interrupted.")
            }
            tries += 1
        }
    }

    /// Looks at the key where the failure says that something may lie there: nil where the write did not happen.
    private func alreadyThere(
        _ content: S3ContentDigest, after failure: S3Error
    ) async throws(S3Error) -> Settled? {
        switch failure.kind {
        case .preconditionFailed, .conflict, .noSuchUpload: break
        // S3 answers `NoSuchUpload` once the upload is completed, some stores without a code of their own.
        case .notFound: break
        default: return nil
        }
        switch try await client.compare(
            upload.key, with: content, sha256MetadataName: upload.sha256MetadataName,
            reading: { () async throws(S3Error) in try await lease.certainBuffer(min(plan.size(ofPart: 1), 1 << 20)) })
        {
        case .same(let info): return Settled(etag: info.etag, versionID: info.versionID, wasThere: true)
        case .missing: return nil
        case .different(let why):
            throw S3Error(
                .objectDiffers, "\(client.location(of: upload.key)) exists with other content: \(why)",
                httpStatus: failure.httpStatus)
        }
    }
}
