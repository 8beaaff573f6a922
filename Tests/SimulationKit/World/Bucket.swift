// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// The bucket: state documents, artifacts, unfinished uploads and audit records, all with conditional writes.
final class Bucket {
    struct Document: CustomStringConvertible {
        let bytes: [UInt8]
        let etag: String
        /// What it says, where it is a checkpoint.
        let checkpoint: Checkpoint?

        var description: String { etag }
    }

    struct Object {
        let command: Int
        let content: String
        let isEncrypted: Bool
    }

    struct Upload {
        let key: String
        var parts: Set<Int> = []
    }

    unowned let world: World
    private(set) var documents: [String: Document] = [:]
    var objects: [String: Object] = [:]
    var uploads: [Int: Upload] = [:]
    private var lastUpload = 0
    private(set) var audits: [String: [UInt8]] = [:]

    init(_ world: World) { self.world = world }

    // MARK: Documents

    func write(
        _ bytes: [UInt8], to key: String, if condition: WriteCondition, by process: Incarnation
    ) -> WriteResult {
        let old = documents[key]
        switch condition {
        case .absent: guard old == nil else { return .conflict }
        case .version(let version): guard old?.etag == version else { return .conflict }
        }
        let isLease = key.hasPrefix(World.stateKeys.workers)
        let checkpoint = isLease ? nil : try? CheckpointCodec.decode(bytes)
        // Like the entity tag of S3, a hash of the content: writing the same again gives the same.
        let new = Document(bytes: bytes, etag: Self.hash(bytes), checkpoint: checkpoint)
        documents[key] = new
        if let checkpoint {
            world.checks.wrote(checkpoint, over: old?.checkpoint, by: process)
        }
        return .written(version: new.etag)
    }

    func delete(_ key: String) { documents[key] = nil }

    private static func hash(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }

    // MARK: Uploads

    func begin(_ key: String) -> Int {
        lastUpload += 1
        uploads[lastUpload] = Upload(key: key)
        return lastUpload
    }

    func add(part: Int, to upload: Int) -> Result<Void, StepError> {
        guard uploads[upload] != nil else {
            return .failure(StepError(.transient(), "no such upload \(upload)", httpStatus: 404))
        }
        uploads[upload]?.parts.insert(part)
        return .success(())
    }

    // MARK: Audit

    func audit(_ record: AuditRecord, by process: Incarnation) {
        let known = audits[record.key]
        if known == nil { audits[record.key] = record.bytes }
        world.checks.audited(record, known: known, by: process)
    }
}
