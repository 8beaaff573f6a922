// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport
internal import ObjectStore

/// Audit records as objects of the bucket: the record of truth, each written exactly once by a conditional create.
struct S3AuditSink: AuditSink {
    let client: S3Client
    let faults: StoreFaults
    let isConditional: Bool
    let retention: Settings.Audit.Retention?
    let environment: any PipelineEnvironment

    var name: String { "s3" }

    func write(_ record: AuditRecord) async throws(StepError) {
        var options = S3PutOptions(contentType: "application/json")
        options.condition = isConditional ? .absent : nil
        options.retention = retention.map { retention in
            S3Retention(
                retention.mode == .governance ? .governance : .compliance,
                until: environment.date().milliseconds / 1000 + Int64(retention.days) * 86_400)
        }
        do {
            _ = try await client.put(record.key, .bytes(record.bytes), options: options)
        } catch  where error.kind == .preconditionFailed {
            // The key is made of the record's id: what is there is this very record.
        } catch {
            throw faults.stepError(error)
        }
    }
}
