// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Synchronization

/// A worker's line to the world: every port, every call counted, cut off for good by a crash.
final class FakeLink: Sendable {
    private struct Fuse {
        var calls = 0
        var isDead = false
        var lastTookEffect = true
    }

    private let world: FakeWorld
    private let crashAt: Int?
    private let crash: FakeWorker.Crash
    private let fuse = Mutex(Fuse())
    /// Where this worker freezes, and the gate that lets it go on: a zombie.
    private let pause: (call: Int, gate: FakeGate)?
    /// The write whose answer is under way until the gate opens.
    private let lateAnswer: (call: Int, gate: FakeGate)?

    init(
        world: FakeWorld, crashAt: Int?, _ crash: FakeWorker.Crash, pause: (call: Int, gate: FakeGate)?,
        lateAnswer: (call: Int, gate: FakeGate)?
    ) {
        self.world = world
        self.crashAt = crashAt
        self.crash = crash
        self.pause = pause
        self.lateAnswer = lateAnswer
    }

    /// Freezes here if this is the call to freeze at.
    private func freezeIfDue() async {
        guard let pause, calls + 1 == pause.call else { return }
        await pause.gate.pass()
    }

    var calls: Int { fuse.withLock { $0.calls } }
    var isDead: Bool { fuse.withLock { $0.isDead } }
    var lastCallTookEffect: Bool { fuse.withLock { $0.lastTookEffect } }

    /// One call to the outside: `effect` happens in the world unless the worker is dead or dies before it.
    func call<Value: Sendable>(
        _ name: String, on dependency: Dependency? = nil, _ effect: (inout FakeWorld.State) throws(StepError) -> Value
    ) throws(StepError) -> Value {
        let (isAlive, diesNow) = fuse.withLock { fuse -> (Bool, Bool) in
            guard !fuse.isDead else {
                fuse.lastTookEffect = false
                return (false, false)
            }
            fuse.calls += 1
            let diesNow = fuse.calls == crashAt
            fuse.isDead = diesNow
            fuse.lastTookEffect = !diesNow || crash == .after
            return (true, diesNow)
        }
        guard isAlive, !diesNow || crash == .after else { throw StepError(.interrupted, "crashed") }
        let result: Result<Value, StepError> = world.with { state in
            if let dependency = dependency ?? Self.dependency(of: name), state.isDown(dependency) {
                return .failure(StepError(.surroundings(dependency), "\(dependency) is out of order"))
            }
            if var errors = state.failures[name], !errors.isEmpty {
                let error = errors.removeFirst()
                state.failures[name] = errors
                return .failure(error)
            }
            do throws(StepError) { return .success(try effect(&state)) } catch { return .failure(error) }
        }
        if diesNow { throw StepError(.interrupted, "crashed") }
        return try result.get()
    }
}

extension FakeLink: StateStore {
    func read(_ key: String) async throws(StepError) -> StateDocument? {
        await freezeIfDue()
        return try call("read") { state in
            state.reads += 1
            return state.documents[key]
        }
    }

    func write(_ bytes: [UInt8], to key: String, if condition: WriteCondition) async throws(StepError) -> WriteResult {
        await freezeIfDue()
        let answersLate = calls + 1 == lateAnswer?.call
        let result: WriteResult = try call("write") { state in
            switch condition {
            case .absent: guard state.documents[key] == nil else { return .conflict }
            case .version(let version): guard state.documents[key]?.version == version else { return .conflict }
            }
            state.versions += 1
            state.documents[key] = StateDocument(bytes: bytes, version: "v\(state.versions)")
            state.journal.append("write")
            return .written(version: "v\(state.versions)")
        }
        if answersLate { await lateAnswer?.gate.pass() }
        return result
    }

    func delete(_ key: String) async throws(StepError) {
        await freezeIfDue()
        try call("delete") { _ = $0.documents.removeValue(forKey: key) }
    }
}

extension FakeLink: ExporterDirectory, ModelExporter {
    func exporter(for tenant: String) -> (any ModelExporter)? { tenantNames.contains(tenant) ? self : nil }
    var tenantNames: [String] { world.with { $0.tenants } }

    func status(of command: ExportCommand, context: CallContext) async throws(StepError) -> VersionStatus {
        await freezeIfDue()
        return try call("status", on: .tenant(command.tenant)) { state in
            state.versionStatuses.isEmpty ? .trained : state.versionStatuses.removeFirst()
        }
    }

    func trigger(_ command: ExportCommand, runID: String, context: CallContext) async throws(StepError) -> ExportJob {
        await freezeIfDue()
        return try call("trigger", on: .tenant(command.tenant)) { state in
            state.triggers.append(runID)
            state.journal.append("trigger")
            if let known = state.jobs.first(where: { $0.runID == runID }) { return known.job }
            let number = state.jobs.count + 1
            let job = ExportJob(jobID: "job-\(number)", exportID: "export-\(number)")
            state.jobs.append(.init(job: job, runID: runID, pollsLeft: state.pollsPerJob))
            return job
        }
    }

    func poll(_ job: ExportJob, of command: ExportCommand, context: CallContext) async throws(StepError) -> JobStatus {
        await freezeIfDue()
        return try call("poll", on: .tenant(command.tenant)) {
            (state: inout FakeWorld.State) throws(StepError) -> JobStatus in
            state.polls += 1
            if !state.sleepsOverPolls.isEmpty { state.now += state.sleepsOverPolls.removeFirst() }
            if !state.jobStatuses.isEmpty { return state.jobStatuses.removeFirst() }
            guard let index = state.jobs.firstIndex(where: { $0.job == job }) else {
                throw StepError(.gone, "job \(job.jobID) is unknown")
            }
            guard state.jobs[index].pollsLeft > 0 else { return .completed(DownloadLink(url: "fake:\(job.exportID)")) }
            state.jobs[index].pollsLeft -= 1
            return .underWay(percent: 50)
        }
    }
}

extension FakeLink: ArtifactStore {
    func transfer(
        _ link: DownloadLink, of command: ExportCommand, to destination: ArtifactDestination, context: CallContext,
        observer: TransferObserver
    ) async throws(StepError) -> StoredArtifact {
        await freezeIfDue()
        let artifact = StoredArtifact(
            bucket: "bucket", key: destination.key, sizeBytes: 3, sha256: "abc", checksum: "CRC32C:AAAA")
        let isMultipart = world.with { $0.isMultipart }
        if isMultipart {
            let uploadID = try call("createUpload") { state in
                state.ids += 1
                state.openUploads.insert("upload-\(state.ids)")
                return "upload-\(state.ids)"
            }
            do {
                try await observer.uploadStarted(uploadID)
                await freezeIfDue()
                try call("complete") { state in
                    state.openUploads.remove(uploadID)
                    Self.put(artifact, destination, &state)
                }
            } catch {
                try call("abort") { _ = $0.openUploads.remove(uploadID) }
                throw error
            }
        } else {
            try call("complete") { Self.put(artifact, destination, &$0) }
        }
        return artifact
    }

    private static func put(
        _ artifact: StoredArtifact, _ destination: ArtifactDestination, _ state: inout FakeWorld.State
    ) {
        state.journal.append(destination.replacing == nil ? "store" : "replace")
        if state.objects[artifact.key] == nil || destination.replacing == artifact.sha256 {
            state.objects[artifact.key] = .init(artifact: artifact, isEncrypted: state.reportsEncryption)
        }
    }

    func verify(_ artifact: StoredArtifact) async throws(StepError) -> ArtifactVerification {
        await freezeIfDue()
        return try call("verify") { state in
            state.heads += 1
            state.journal.append("head")
            guard let object = state.objects[artifact.key] else { return .missing }
            guard object.isEncrypted else { return .differs("it is not encrypted", version: artifact.sha256) }
            return object.artifact == artifact
                ? .matches(encryptedAtRest: true) : .differs("other content", version: nil)
        }
    }

    func abortUploads(of key: String, recorded: Checkpoint.Upload?) async throws(StepError) {
        await freezeIfDue()
        try call("abort") { $0.openUploads = [] }
    }
}

extension FakeLink: AuditSink, EventPublisher {
    var name: String { "fake" }

    func write(_ record: AuditRecord) async throws(StepError) {
        await freezeIfDue()
        try call("audit") { state in
            state.auditWrites += 1
            state.journal.append("audit")
            if state.audits[record.key] == nil { state.audits[record.key] = record.bytes }
        }
    }

    func publish(_ event: ExportEvent) async throws(StepError) -> EventRouting {
        await freezeIfDue()
        return try call("announce") { state in
            state.journal.append("announce")
            state.events.append(event)
            return .routed
        }
    }
}

extension FakeLink: DependencyProbe {
    func probe(_ dependency: Dependency, because suspicion: Suspicion) async throws(StepError) {
        await freezeIfDue()
        try call("probe \(dependency)") { (state: inout FakeWorld.State) throws(StepError) in
            state.journal.append("probe")
            guard state.isDown(dependency) else { return }
            throw StepError(.surroundings(dependency), "\(dependency) is out of order")
        }
    }

    private static func dependency(of call: String) -> Dependency? {
        switch call {
        case "read", "write", "delete", "verify", "abort", "createUpload", "complete": .objectStore
        case "audit": .auditSink("fake")
        case "announce": .broker
        default: nil
        }
    }
}
