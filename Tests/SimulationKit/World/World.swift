// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// One simulated world: servers, hosts, time and chance, all on one thread.
///
/// Nothing here is shared between threads; `Sendable` is promised because the code under test holds on to its ports.
final class World: @unchecked Sendable {
    /// A message that goes back more often than this does so for no good reason.
    static let expectedReturns = 60
    static let stateKeys = StateKeys()
    static let sinkNames = [BucketSink.name, FileSink.name]
    static let leaseExpiry: Instant = .minute
    /// More patient than a real one: in a hundred thousand worlds, bad luck alone uses up twenty attempts, or five
    /// repeated triggers, once or twice, and no promise speaks of luck.
    static let policy: RunPolicy = {
        var policy = RunPolicy()
        policy.maxAttempts = 60
        policy.triggerRepeats = 15
        return policy
    }()

    let scenario: Scenario
    let trace: Trace
    let clock = VirtualClock()
    let jobs = JobScheduler()
    let weather: Weather
    var random: SeededRandom
    var seen = Seen()
    private(set) lazy var broker = Broker(self)
    private(set) lazy var bucket = Bucket(self)
    private(set) lazy var exchange = Exchange(self)
    private(set) lazy var tenants = (0..<scenario.tenants).map { _ in Tenant(self) }
    private(set) lazy var checks = Checks(self)
    /// The process of each host that was started last.
    var hosts: [Worker] = []
    /// How wrong each host's wall clock is now.
    var skews: [Instant]
    /// Tenants that refuse every question now, and how often each began to.
    var scopesLost: Set<Int> = []
    var scopeLosses: [Int: Int] = [:]
    /// Every process there ever was.
    var workers: [Worker] = []
    /// Nothing counts any more: what still runs is only let go.
    private(set) var isOver = false
    private var lastNumber = 0
    private var mended: Set<Int> = []
    private var spoiled: [Int: Int] = [:]
    private var vanished: Set<String> = []
    private(set) var pendingPublications = 0
    /// Effects of calls that have not taken place yet.
    var pendingEffects = 0
    /// Calls that were answered with trouble of other kinds than a request for patience, or with damage.
    var faults = 0

    init(_ scenario: Scenario, keepsTrace: Bool) {
        self.scenario = scenario
        trace = Trace(isKept: keepsTrace)
        weather = Weather(scenario)
        skews = scenario.skews
        random = SeededRandom(seed: scenario.seed ^ 0x5EED)
    }

    // MARK: Time

    func after(_ delay: Instant, _ action: @escaping () -> Void) {
        guard !isOver else { return }
        clock.schedule(at: clock.now + max(0, delay), order: random.next(), action)
    }

    func note(_ code: StaticString, _ subject: Int, _ text: @autoclosure () -> String) {
        guard !isOver else { return }
        trace.note(clock.now, code, subject, text())
    }

    func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// From now on nothing has any effect.
    func end() { isOver = true }

    /// Forgets everybody in it: they hold each other.
    func clear() {
        clock.removeAll()
        hosts = []
        workers = []
    }

    // MARK: Commands

    /// The command of the scenario that a command under way is.
    func number(of command: ExportCommand) -> Int { Int(command.modelID.dropFirst()) ?? 0 }

    func isMended(_ command: Int) -> Bool { mended.contains(command) }

    func deadLettered(_ message: Message) {
        seen.add(.deadLetters)
        let plan = scenario.commands[message.command]
        guard plan.isReplayed, message.replay == nil, !mended.contains(message.command) else { return }
        let delay = random.magnitude(.second, 3 * .minute)
        mended.insert(message.command)
        publish(message.command, plan.copies[0], after: delay, replay: "replay\(nextNumber())")
    }

    func publish(_ command: Int, _ copy: Scenario.Copy, after delay: Instant, replay: String? = nil) {
        pendingPublications += 1
        after(delay) { [self] in
            pendingPublications -= 1
            broker.publish(command: command, copy, replay: replay)
        }
    }

    /// Whether an object that is stored now comes out other than was asked for.
    func spoilsObject(of command: Int) -> Bool {
        guard spoiled[command, default: 0] < scenario.commands[command].unencrypted else { return false }
        spoiled[command, default: 0] += 1
        return true
    }

    /// Somebody deletes the objects of a command.
    func vanish(_ command: Int) {
        for (key, object) in bucket.objects.sorted(by: { $0.key < $1.key }) where object.command == command {
            bucket.objects[key] = nil
            vanished.insert(key)
            note("vanished", command, "store    \(key) is deleted by somebody")
            seen.add(.vanished)
        }
    }

    func hasVanished(_ key: String) -> Bool { vanished.contains(key) }

    /// A checkpoint as traces show it.
    func summary(_ bytes: [UInt8], isCheckpoint: Bool) -> String {
        guard isCheckpoint, let checkpoint = try? CheckpointCodec.decode(bytes) else { return "\(bytes.count) bytes" }
        let upload = checkpoint.upload.map { ", upload \($0.uploadID)" } ?? ""
        return "\(checkpoint.stage) run \(checkpoint.runID) epoch \(checkpoint.epoch) "
            + "owner \(checkpoint.owner ?? "-") attempts \(checkpoint.attempts)\(upload)"
    }
}
