// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport
internal import ObjectStore

/// Checkpoints and leases as objects of the bucket.
struct S3StateStore: StateStore {
    /// Far above any checkpoint; a larger document is not one of ours.
    static let maximumBytes = 1 << 20

    let client: S3Client
    let faults: StoreFaults
    /// `s3.conditionalWrites`; without it every write overwrites, which is safe for one worker only.
    let isConditional: Bool

    func read(_ key: String) async throws(StepError) -> StateDocument? {
        do {
            let object = try await client.get(key, maximumBytes: Self.maximumBytes)
            return StateDocument(bytes: object.bytes, version: object.info.etag)
        } catch  where error.kind == .notFound {
            return nil
        } catch {
            throw faults.stepError(error)
        }
    }

    func write(_ bytes: [UInt8], to key: String, if condition: WriteCondition) async throws(StepError) -> WriteResult {
        var options = S3PutOptions(contentType: "application/json")
        if isConditional {
            options.condition =
                switch condition {
                case .absent: .absent
                case .version(let tag): .matches(tag)
                }
        }
        do {
            return .written(version: try await client.put(key, .bytes(bytes), options: options).etag)
        } catch  where error.isLostCondition(condition) {
            return .conflict
        } catch {
            throw faults.stepError(error)
        }
    }

    func delete(_ key: String) async throws(StepError) {
        do {
            try await client.delete(key)
        } catch {
            throw faults.stepError(error)
        }
    }
}

extension S3Error {
    /// Whether the answer says that the condition did not hold: 412, 409, and 404 on `If-Match`.
    fileprivate func isLostCondition(_ condition: WriteCondition) -> Bool {
        switch kind {
        case .preconditionFailed, .conflict: true
        case .notFound: condition != .absent
        default: false
        }
    }
}
