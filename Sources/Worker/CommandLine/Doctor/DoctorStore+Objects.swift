// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import HTTPTransport
internal import ObjectStore

extension DoctorStore {
    /// Puts an object as artifacts are put, looks at it, deletes it again.
    func writes() async -> [DoctorFinding] {
        let subject = "store writes"
        let client: S3Client
        let info: S3ObjectInfo
        do throws(S3Error) {
            client = try self.client()
            _ = try await client.put(key("writes"), .bytes(Array("probe".utf8)))
            info = try await client.head(key("writes"))
        } catch {
            await remove("writes")
            return [await refusedWrite(subject, error)]
        }
        do throws(S3Error) {
            try await client.delete(key("writes"))
        } catch {
            return [failure(subject, error), encryption(info, client.configuration.encryption), Self.checksum(info)]
        }
        let place = client.location(of: StateKeys(prefix: settings.statePrefix).workers)
        return [
            .fine(subject, "an object was written, read and deleted under \(place)"),
            encryption(info, client.configuration.encryption), Self.checksum(info),
        ]
    }

    /// A store without a key of its own refuses the write for its encryption alone, with codes of many kinds.
    private func refusedWrite(_ subject: String, _ error: S3Error) async -> DoctorFinding {
        guard settings.encryption != .none, error.httpStatus != nil, let plain = try? client(encryption: .some(.none)),
            (try? await plain.put(key("writes"), .bytes(Array("probe".utf8)))) != nil
        else { return failure(subject, error) }
        await remove("writes")
        return .failure(
            "store encryption",
            "the store takes objects, but not with s3.encryption \(settings.encryption.rawValue): "
                + error.description,
            remedy: "give the store a key for server-side encryption (and these credentials the use of it), or change "
                + "s3.encryption", exit: .configuration)
    }

    private func encryption(_ info: S3ObjectInfo, _ asked: S3Configuration.Encryption) -> DoctorFinding {
        let subject = "store encryption"
        guard asked.isSatisfied(by: info) else {
            return .failure(
                subject,
                "asked for \(settings.encryption.rawValue), the stored object shows "
                    + (info.encryption ?? "no encryption"),
                remedy: "switch server-side encryption on in the store, or set s3.encryption to what it does",
                exit: .configuration)
        }
        guard asked != .none else {
            return .fine(subject, "none is asked for; the stored object shows \(info.encryption ?? "none")")
        }
        return .fine(subject, "\(info.encryption ?? "none") seen at the stored object, as asked")
    }

    private static func checksum(_ info: S3ObjectInfo) -> DoctorFinding {
        guard info.fullCRC32C == nil else { return .fine("store checksums", "CRC32C is compared and kept") }
        return .warning(
            "store checksums",
            "the store keeps no CRC32C: an artifact that is there already is read back to compare it",
            remedy: "use a store, or a version of it, that supports x-amz-checksum-crc32c")
    }

    /// Whether `If-None-Match` and `If-Match` are honoured, on which everything rests that may happen twice.
    func conditions() async -> DoctorFinding {
        let subject = "store conditional writes"
        do throws(S3Error) {
            let report = try await StorageProbe(client()).run(key: key("conditions"))
            guard settings.conditionalWrites else {
                let ability = report.honoursConditions ? "the store honours them" : "the store does not honour them"
                return .warning(
                    subject, "s3.conditionalWrites is false (\(ability)): a crash may repeat an export",
                    remedy: report.honoursConditions ? "set s3.conditionalWrites to true" : "run one worker only")
            }
            guard !report.honoursConditions else { return .fine(subject, "If-None-Match and If-Match are honoured") }
            return .failure(
                subject, "not honoured (\(report.faults.map(\.rawValue).joined(separator: ", ")))",
                remedy: "use a store that honours them, or run one worker only with s3.conditionalWrites: false",
                exit: .configuration)
        } catch {
            return failure(subject, error)
        }
    }

    /// Begins an upload with a checksum of the whole object, and aborts it.
    func multipart() async -> DoctorFinding {
        let subject = "store multipart uploads"
        do throws(S3Error) {
            let client = try client()
            let upload = try await client.createMultipartUpload(key("multipart"))
            try await client.abortMultipartUpload(key("multipart"), uploadID: upload)
            return .fine(subject, "one with a CRC32C of the whole object was begun and aborted")
        } catch {
            return failure(subject, error)
        }
    }

    // MARK: Taking away

    /// Deletes what a try may have left, even where the try itself was given up.
    func remove(_ name: String) async {
        _ = await Task { try await client().delete(key(name)) }.result
    }

    func abortUploads() async {
        _ = await Task {
            let client = try client()
            for upload in try await client.listMultipartUploads(prefix: key("multipart")) {
                try await client.abortMultipartUpload(upload.key, uploadID: upload.uploadID)
            }
        }.result
    }
}
