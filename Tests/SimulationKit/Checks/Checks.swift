// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// Watches everything that reaches the world, and holds it against the promises.
///
/// The names of the promises: `owner-writes`, `take-over`, `decided-is-final`, `one-outcome`, `needless-run`,
/// `claim-before-trigger`, `second-trigger`, `told-before-decided`, `one-record`, `one-event`, `acknowledged-early`,
/// `rejected-early`, `dead-by-surroundings`, `own-write`, `attempts`, `runs-bounded`, `returns-bounded`,
/// `consumer-timeout`, `held-while-paused`, `delivery-limit`, `refusals-bounded`, `stale-settlement`, `lost-or-stuck`, `object-durable`,
/// `left-upload`, `virtual-time`.
final class Checks {
    /// A run, or a message that never became one.
    struct Run {
        let id: String
        let command: Int
        /// The content of the command it is for; of a refusal, that of the message.
        let fingerprint: String
        var isRefusal = false
        /// The first outcome that was decided.
        var outcome: Outcome?
        var decidedAt: Instant?
        /// The tenant said that its job or artifact is gone.
        var isGone = false
        var triggers = 0
        var auditKey: String?
    }

    unowned let world: World
    private(set) var violation: Violation?
    var runs: [String: Run] = [:]
    /// Which command a checkpoint is about, by its command id.
    private var commands: [String: Int] = [:]
    /// What the content of each message is known by.
    private(set) var fingerprints: [Int: String] = [:]
    private var recordOwners: [String: String] = [:]
    private var eventOwners: [String: String] = [:]
    /// Uploads that a checkpoint named when its owner was replaced.
    var orphans: Set<Int> = []
    /// Who let commands fail for a scope that was lost.
    struct Refused: Hashable {
        let process: Int
        let tenant: Int
    }

    /// The commands that failed so.
    var refused: [Refused: Set<String>] = [:]

    init(_ world: World) { self.world = world }

    func fail(_ promise: String, _ what: String) {
        guard violation == nil, !world.isOver else { return }
        violation = Violation(promise: promise, what: what, at: world.clock.now.text)
        world.note("violation", 0, "!!!      \(promise): \(what)")
    }

    // MARK: Runs

    /// Learns which command a message carries, and what stands for it where it is none.
    func published(_ message: Message) {
        let incoming = message.incoming
        let digest = CommandParser.digest(of: incoming)
        var fingerprint = digest
        if case .success(let accepted) = CommandParser.parse(incoming) {
            commands[accepted.command.commandID] = message.command
            fingerprint = accepted.fingerprint
        }
        fingerprints[message.number] = fingerprint
        guard runs[digest] == nil else { return }
        register(
            Run(id: digest, command: message.command, fingerprint: fingerprint, isRefusal: true))
    }

    /// The budget of what is stored for the command of a checkpoint.
    func budget(ofCheckpoint key: String) -> Budget? {
        let name = key.split(separator: "/").last.map { $0.dropLast(".json".count) }
        return name.flatMap { commands[String($0)] }.map(Budget.store)
    }

    func command(named id: String) -> Int? { commands[id] }

    func register(_ run: Run) {
        runs[run.id] = run
        recordOwners[AuditRecord.recordID(runID: run.id)] = run.id
        eventOwners[ExportEvent.id(.completed, runID: run.id)] = run.id
        eventOwners[ExportEvent.id(.failed, runID: run.id)] = run.id
    }

    func run(ofRecord id: String) -> Run? { recordOwners[id].flatMap { runs[$0] } }

    func run(ofEvent id: String) -> Run? { eventOwners[id].flatMap { runs[$0] } }

    // MARK: The tenant

    /// A process asks for the job of a run.
    func triggers(_ runID: String, by process: Incarnation) {
        guard process.knowledge.triggered.contains(runID) else { return }
        fail("second-trigger", "\(process.instance) triggers run \(runID) again, though it knows its job")
    }

    /// The tenant is asked for the job of a run, perhaps long after.
    func triggered(_ command: Int, runID: String, by process: Incarnation) {
        world.seen.add(.triggers)
        guard runs[runID] != nil else {
            return fail(
                "claim-before-trigger",
                "\(process.instance) triggers run \(runID) of c\(command), which no checkpoint names")
        }
        runs[runID]?.triggers += 1
        if runs[runID]?.triggers ?? 0 > 1 { world.seen.add(.repeatedTriggers) }
    }

    func jobGone(_ runID: String) { runs[runID]?.isGone = true }

    // MARK: What is told to the world

    func audited(_ record: AuditRecord, known: [UInt8]?, by process: Incarnation) {
        guard let run = run(ofRecord: record.recordID) else {
            return fail("told-before-decided", "\(process.instance) audits \(record.key), a record of no run")
        }
        if let known, known != record.bytes { fail("one-record", "\(record.key) is written with other content") }
        if let key = run.auditKey, key != record.key {
            fail("one-record", "run \(run.id) has two records: \(key), \(record.key)")
        }
        runs[run.id]?.auditKey = record.key
        checkDecided(run, "audited", by: process)
    }

    func announced(_ event: ExportEvent, known: [UInt8]?, by process: Incarnation) {
        guard let run = run(ofEvent: event.id) else {
            return fail("one-event", "\(process.instance) announces \(event.id), an event of no run")
        }
        if let known, known != event.body { fail("one-event", "event \(event.id) is announced with other content") }
        if let outcome = run.outcome, outcome.isSuccess != (event.kind == .completed) {
            fail("one-outcome", "run \(run.id) is announced as \(event.kind)")
        }
        checkDecided(run, "announced", by: process)
    }

    private func checkDecided(_ run: Run, _ what: String, by process: Incarnation) {
        if run.outcome == nil, !run.isRefusal {
            fail("told-before-decided", "\(process.instance) \(what) run \(run.id) before it was decided")
        }
    }

    // MARK: What a process was told

    func isDurable(_ record: AuditRecord, in sink: String, for process: Incarnation) {
        guard let run = run(ofRecord: record.recordID) else { return }
        process.knowledge.durable[run.id, default: [:]][sink] = world.clock.now
    }

    func isConfirmed(_ event: ExportEvent, for process: Incarnation) {
        guard let run = run(ofEvent: event.id) else { return }
        process.knowledge.confirmed[run.id] = world.clock.now
    }

    func verified(_ artifact: StoredArtifact, _ result: ArtifactVerification, by process: Incarnation) {
        if case .matches = result {
            process.knowledge.sound[artifact.key] = world.clock.now
        } else {
            process.knowledge.damaged.insert(artifact.key)
        }
    }

    /// A process knows what a checkpoint says: it read it, or wrote it. (Only what a run itself wrote counts as known to
    /// the run: one that slept does not hear what other deliveries of its process have read since.)
    func saw(_ checkpoint: Checkpoint?, isOwnWrite: Bool, by process: Incarnation) {
        guard let checkpoint else { return }
        if isOwnWrite, checkpoint.job != nil { process.knowledge.triggered.insert(checkpoint.runID) }
        // Deliveries share the run until it learns of its own decision.
        if checkpoint.stage == .decided, checkpoint.owner == process.instance,
            process.knowledge.knownDecisions.insert(checkpoint.runID).inserted
        {
            process.knowledge.decided[checkpoint.runID] = world.clock.now
        }
    }

    func read(_ key: String, version: String?, by process: Incarnation) {
        guard key.hasPrefix(World.stateKeys.workers) else { return }
        process.knowledge.leases[key, default: Knowledge.Sighting(version, at: world.clock.now)]
            .look(version, at: world.clock.now)
    }
}
