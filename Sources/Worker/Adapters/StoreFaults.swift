// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport
internal import ObjectStore

/// Turns what the object store answers into what it means for a command.
///
/// A refusal can be this command's own (a policy on its key) or a fault of the surroundings (credentials, bucket, clock,
/// disk): it is called a fault of the surroundings here, and whoever meets it has the store probed.
struct StoreFaults: Sendable {
    let client: S3Client
    /// A key of this process alone, for the probe.
    let probeKey: String

    /// The step error for a failed operation.
    func stepError(_ error: S3Error) -> StepError {
        let message = error.description
        switch error.kind {
        case .cancelled:
            return StepError(.interrupted, message)
        case .slowDown:
            return StepError(.throttled(retryAfter: error.retryAfter), message, httpStatus: error.httpStatus)
        case .invalidRequest:
            return StepError(.permanent(.storageRefused), message, httpStatus: error.httpStatus)
        case .transport where error.transportError?.code == .cancelled:
            return StepError(.interrupted, message)
        case .transport, .accessDenied, .noSuchBucket, .badSignature, .wrongRegion, .clockSkew, .expiredCredentials,
            .noCredentials, .insufficientStorage:
            return StepError(.surroundings(.objectStore), message, httpStatus: error.httpStatus)
        default:
            return StepError(.transient(thenFailsWith: .storageRefused), message, httpStatus: error.httpStatus)
        }
    }

    /// Proves that the bucket is there and takes writes: look, put, delete.
    func probe() async throws(S3Error) {
        try await look()
        // Not cut short by a cancelled task: its object would stay behind. The store has just answered.
        try await uncut { () async throws(S3Error) in
            _ = try await client.put(probeKey, .bytes(Array("probe".utf8)))
            try await client.delete(probeKey)
        }
    }

    /// Proves that the bucket is there. A listing of one key needs the same permission as HeadBucket and, unlike an
    /// answer to HEAD, says why it is refused.
    func look() async throws(S3Error) {
        _ = try await client.list(prefix: probeKey, limit: 1)
    }
}
