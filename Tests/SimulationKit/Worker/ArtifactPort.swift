// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// Artifacts on their way from a tenant into the bucket, step by step as the real uploader goes.
struct ArtifactPort: ArtifactStore {
    /// What ends an attempt at the final conditional write.
    enum Put: Sendable { case stored, preconditionFailed, noSuchUpload }

    let process: Incarnation

    var world: World { process.world }

    func transfer(
        _ link: DownloadLink, of command: ExportCommand, to destination: ArtifactDestination, context: CallContext,
        observer: TransferObserver
    ) async throws(StepError) -> StoredArtifact {
        let world = world
        let number = world.number(of: command)
        let plan = world.scenario.commands[number]
        let name = Server.tenantName(plan.tenant)
        let content = try await process.call(
            .tenant(plan.tenant), "download", destination.exportID, budget: .download(number),
            trouble: Faults.tenant(name)
        ) { world.tenants[plan.tenant].download(link) }
        let artifact = StoredArtifact(
            bucket: "bucket", key: destination.key, sizeBytes: plan.parts, sha256: content, checksum: nil)
        if plan.parts == 1 {
            try await read(plan, number, part: 1)
            try await settle(artifact, number, upload: nil, replacing: destination.replacing)
        } else {
            try await storeParts(artifact, number, plan, observer, replacing: destination.replacing)
        }
        return artifact
    }

    private func storeParts(
        _ artifact: StoredArtifact, _ number: Int, _ plan: Scenario.Command, _ observer: TransferObserver,
        replacing: String?
    ) async throws(StepError) {
        let (process, world, key) = (process, world, artifact.key)
        try await read(plan, number, part: 1)
        let upload: Int = try await process.call(
            .store, "create-upload", key, budget: .store(number), trouble: Faults.store
        ) {
            .success(world.bucket.begin(key))
        }
        do {
            try await observer.uploadStarted("\(upload)")
            for part in 1...plan.parts {
                if part > 1 { try await read(plan, number, part: part) }
                try await process.call(
                    .store, "part", "\(part) of upload \(upload)", budget: .store(number), trouble: Faults.store
                ) {
                    world.bucket.add(part: part, to: upload)
                }
            }
            if try await settle(artifact, number, upload: upload, replacing: replacing) { await abort(upload) }
        } catch {
            await abort(upload)
            throw error
        }
    }

    private func read(_ plan: Scenario.Command, _ number: Int, part: Int) async throws(StepError) {
        try await process.call(
            .tenant(plan.tenant), "body", "part \(part) of c\(number)", budget: .download(number),
            trouble: Faults.body
        ) { .success(()) }
    }

    /// Makes the final conditional write until it is known whether the content lies under the key; true where another
    /// writer's object was there.
    @discardableResult
    private func settle(
        _ artifact: StoredArtifact, _ number: Int, upload: Int?, replacing: String?
    ) async throws(StepError) -> Bool {
        let (process, world) = (process, world)
        for attempt in 1...3 {
            do throws(StepError) {
                let put = try await process.call(
                    .store, "put", "\(artifact.key)\(upload.map { ", upload \($0)" } ?? "")", budget: .store(number),
                    trouble: Faults.store
                ) { .success(world.put(artifact, of: number, upload: upload, replacing: replacing)) }
                if put == .stored { return false }
                if try await compare(artifact, number) { return true }
                throw StepError(.transient(), "the object is not there after all: \(put)")
            } catch {
                if error.kind == .interrupted || attempt == 3 || error.httpStatus == 403 { throw error }
                if case .permanent = error.kind { throw error }
            }
        }
        return false
    }

    /// Whether the same content lies under the key.
    private func compare(_ artifact: StoredArtifact, _ number: Int) async throws(StepError) -> Bool {
        let world = world
        let found = try await process.call(
            .store, "compare", artifact.key, budget: .store(number), trouble: Faults.store
        ) {
            .success(world.bucket.objects[artifact.key])
        }
        guard let found else { return false }
        guard found.content == artifact.sha256 else {
            throw StepError(.permanent(.objectConflict), "\(artifact.key) exists with other content")
        }
        return true
    }

    /// Frees the parts, whether or not the task still wants anything.
    private func abort(_ upload: Int) async {
        let (process, world) = (process, world)
        await Task {
            _ = try? await process.call(.store, "abort", "upload \(upload)", trouble: Faults.store) {
                .success(world.bucket.uploads[upload] = nil)
            }
        }.value
    }
}

// MARK: What lies there

extension ArtifactPort {
    func verify(_ artifact: StoredArtifact) async throws(StepError) -> ArtifactVerification {
        let (process, world) = (process, world)
        return try await process.call(
            .store, "head", artifact.key, trouble: Faults.store,
            answered: { (result: ArtifactVerification) in world.checks.verified(artifact, result, by: process) },
            effect: { .success(world.head(artifact)) })
    }

    func abortUploads(of key: String, recorded: Checkpoint.Upload?) async throws(StepError) {
        let world = world
        if let recorded, let upload = Int(recorded.uploadID) {
            try await process.call(.store, "abort", "upload \(upload)", trouble: Faults.store) {
                .success(world.bucket.uploads[upload] = nil)
            }
        }
        // A store that cannot be asked has its lifecycle rule for what is left.
        let listed = try? await process.call(.store, "list-uploads", key, trouble: Faults.store) {
            .success(world.bucket.uploads.filter { $0.value.key == key }.map(\.key).sorted())
        }
        for upload in listed ?? [] {
            _ = try? await process.call(.store, "abort", "upload \(upload)", trouble: Faults.store) {
                .success(world.bucket.uploads[upload] = nil)
            }
        }
    }
}

extension World {
    /// Stores the artifact under its key if nothing lies there, or what may be replaced. As in S3 an object's version is
    /// a hash of its content: the same again has the same.
    fileprivate func put(
        _ artifact: StoredArtifact, of command: Int, upload: Int?, replacing: String?
    ) -> ArtifactPort.Put {
        if let upload, bucket.uploads[upload] == nil { return .noSuchUpload }
        let there = bucket.objects[artifact.key]?.content
        guard there == nil || there == replacing else { return .preconditionFailed }
        if let upload { bucket.uploads[upload] = nil }
        bucket.objects[artifact.key] = Bucket.Object(
            command: command, content: artifact.sha256, isEncrypted: !spoilsObject(of: command))
        return .stored
    }

    fileprivate func head(_ artifact: StoredArtifact) -> ArtifactVerification {
        guard let object = bucket.objects[artifact.key] else { return .missing }
        guard object.isEncrypted else { return .differs("it is not encrypted", version: object.content) }
        return object.content == artifact.sha256
            ? .matches(encryptedAtRest: true) : .differs("other content", version: object.content)
    }
}
