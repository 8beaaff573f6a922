// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Foundation
internal import HTTPTransport
internal import ObjectStore
internal import TestKit

/// How far a run is.
package struct ChaosProgress: Sendable {
    package let done: Int
    package let total: Int
    package let kills: Int
    package let otherFaults: Int
    package let takeOvers: Int
    package let elapsed: Duration
    /// What is being done once everything is done: empty before.
    package let phase: String
}

/// One run: commands in, trouble all the while, peace at the end, and then a look at everything that is left.
package struct ChaosRun: Sendable {
    let options: ChaosOptions
    let servers: ChaosServers
    /// Where logs and audit files are.
    let directory: String
    let progress: @Sendable (ChaosProgress) -> Void

    package init(
        options: ChaosOptions, servers: ChaosServers, directory: String,
        progress: @escaping @Sendable (ChaosProgress) -> Void = { _ in }
    ) {
        self.options = options
        self.servers = servers
        self.directory = directory
        self.progress = progress
    }

    /// The kinds of trouble that are possible here.
    package var faults: Set<FaultKind> {
        options.faults.filter { kind in kind.service.map { servers.services?.controls($0) ?? false } ?? true }
    }

    /// Runs, and tells what came of it. Throws where the run itself could not be carried out.
    package func run() async throws -> Report {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let http = HTTPClient(logger: ChaosServers.logger)
        let outcome: Result<Report, any Error>
        do { outcome = .success(try await run(http)) } catch { outcome = .failure(error) }
        await http.shutdown()
        return try outcome.get()
    }

    private func run(_ http: HTTPClient) async throws -> Report {
        let names = ChaosNames()
        let store = try servers.store(bucket: names.bucket, http: http)
        let stage = try await ChaosStage(
            options: options, servers: servers, names: names, store: store, directory: directory)
        let outcome: Result<Report, any Error>
        do { outcome = .success(try await run(stage)) } catch { outcome = .failure(error) }
        await stage.takeDown(keepsObjects: servers.services != nil)
        return try outcome.get()
    }

    private func run(_ stage: ChaosStage) async throws -> Report {
        try await stage.fleet.start()
        var logs = LogReader(directory: directory)
        let isDone = try await disturb(stage, &logs)
        if !isDone {
            stage.journal.incident("not everything was done within \(options.timeLimit); the trouble was ended")
        }
        try await settle(stage, &logs)
        tell(stage, logs.summary, "reading what is left")
        var evidence = try await EvidenceCollector(
            servers: servers, names: stage.names, store: stage.store, disks: stage.disks, tenant: stage.tenant
        ).collect(log: logs.summary, incidents: stage.journal.incidents)
        evidence.writtenUploads = stage.uploads.ids
        let findings = Checker(
            commands: stage.plan.commands, evidence: evidence, maximumDeliveries: options.maximumDeliveries
        ).findings()
        try EvidenceFile(directory: "\(directory)/evidence", commands: stage.plan.commands, evidence: evidence)
            .write(findings, logs: logs.paths)
        return Report(
            commands: stage.plan.commands, evidence: evidence, findings: findings, faults: stage.journal.counts,
            seed: options.seed, time: stage.journal.elapsed)
    }

    /// No worker lives so long without a kill or a word about what it holds.
    private static let quietTime = Duration.seconds(20)

    // MARK: Trouble

    /// Publishes and makes trouble until every command was acknowledged; false when the time is over before.
    private func disturb(_ stage: ChaosStage, _ logs: inout LogReader) async throws -> Bool {
        let feed = CommandFeed(plan: stage.plan, names: stage.names, servers: servers, journal: stage.journal)
        let disturber = Disturber(
            options: options, faults: faults, servers: servers, store: stage.store, fleet: stage.fleet,
            links: stage.links, disks: stage.disks, tenant: stage.tenant, journal: stage.journal)
        let uploads = Task { await stage.uploads.run() }
        defer { uploads.cancel() }
        let feeding = Task { try await feed.run() }
        let disturbing = Task { await disturber.run() }
        let isDone: Bool
        do {
            isDone = try await follow(stage, &logs)
        } catch {
            feeding.cancel()
            disturbing.cancel()
            await disturbing.value
            throw error
        }
        disturbing.cancel()
        await disturbing.value
        if !isDone { feeding.cancel() }
        try await feeding.value
        return isDone
    }

    private func follow(_ stage: ChaosStage, _ logs: inout LogReader) async throws -> Bool {
        var (settled, newsAt) = (0, stage.journal.elapsed)
        while stage.journal.elapsed < options.timeLimit {
            logs.read()
            tell(stage, logs.summary, "")
            // What was rejected is a failure that no more waiting undoes.
            let now = logs.summary.done + logs.summary.rejections
            if now >= options.commands { return true }
            if now > settled { (settled, newsAt) = (now, stage.journal.elapsed) }
            // A worker that is killed between an acknowledgement and the line about it leaves a queue that stays empty.
            if settled > options.commands * 9 / 10, stage.journal.elapsed - newsAt > Self.quietTime,
                (try? await stage.ready()) == 0
            {
                return true
            }
            try await Task.sleep(for: .milliseconds(500))
        }
        return false
    }

    private func tell(_ stage: ChaosStage, _ summary: LogSummary, _ phase: String) {
        let counts = stage.journal.counts
        progress(
            ChaosProgress(
                done: summary.done, total: options.commands, kills: counts[.kill] ?? 0,
                otherFaults: counts.reduce(0) { $0 + ($1.key == .kill ? 0 : $1.value) }, takeOvers: summary.takeOvers,
                elapsed: stage.journal.elapsed, phase: phase))
    }

    // MARK: Peace

    /// Mends everything, waits until the queue is empty, and ends the workers; what they still held must be in the queue
    /// then, and is worked off by a new set of them.
    private func settle(_ stage: ChaosStage, _ logs: inout LogReader) async throws {
        try await stage.heal()
        for _ in 1...4 {
            tell(stage, logs.summary, "waiting for the queue to be empty")
            if try await !stage.waitForReady(0, atMost: .seconds(60)) {
                stage.journal.incident("a minute after the trouble the queue is not empty: nobody consumes it")
            }
            await stage.fleet.drainAll()
            logs.read()
            let left = try await stage.ready()
            if left == 0 { return }
            stage.journal.note("the workers still held \(left) deliveries when they ended; once more")
            try await stage.fleet.start()
            let expected = logs.summary.acknowledgements + left
            let deadline = ContinuousClock.now + .seconds(60)
            while logs.summary.acknowledgements < expected, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(200))
                logs.read()
            }
            if logs.summary.acknowledgements < expected {
                stage.journal.incident("a minute after the trouble \(left) deliveries are not settled")
            }
        }
        await stage.fleet.drainAll()
        logs.read()
    }
}
