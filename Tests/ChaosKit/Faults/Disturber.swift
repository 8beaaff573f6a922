// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Foundation
internal import ObjectStore
internal import TestKit

/// Makes the trouble of a run until its task is cancelled; whatever it breaks it mends, then too.
struct Disturber: Sendable {
    let options: ChaosOptions
    let faults: Set<FaultKind>
    let servers: ChaosServers
    let store: S3Client
    let fleet: Fleet
    let links: [WorkerLinks]
    let disks: [AuditDisk]
    let tenant: TenantHost
    let journal: Journal

    func run() async {
        var random = SplitMix64(seed: options.seed &+ 1)
        let (kills, lesser, outages) = (random.split(), random.split(), random.split())
        await withDiscardingTaskGroup { group in
            if faults.contains(.kill) { group.addTask { await kill(kills) } }
            let disturbances = FaultSchedule(
                kinds: faults.filter(\.isDisturbance), workers: options.workers, random: lesser)
            // They may overlap; each worker can have several kinds of trouble at once.
            if !disturbances.isEmpty {
                group.addTask { await disturb(disturbances, every: options.disturbEvery, overlapping: true) }
            }
            let outages = FaultSchedule(kinds: faults.filter(\.isOutage), workers: options.workers, random: outages)
            if !outages.isEmpty {
                group.addTask { await disturb(outages, every: options.outageEvery, overlapping: false) }
            }
        }
    }

    private func kill(_ random: SplitMix64) async {
        var random = random
        while await sleep(options.killEvery) {
            guard let victim = await fleet.kill(Int.random(in: 0..<options.workers, using: &random)) else { continue }
            journal.count(.kill, "worker \(victim + 1)")
        }
    }

    private func disturb(_ schedule: FaultSchedule, every average: Duration, overlapping: Bool) async {
        var schedule = schedule
        await withDiscardingTaskGroup { group in
            while await sleep(schedule.pause(average: average)), let next = schedule.next() {
                if overlapping { group.addTask { await perform(next) } } else { await perform(next) }
            }
        }
    }

    /// False once the trouble is to end.
    private func sleep(_ duration: Duration) async -> Bool {
        do {
            try await Task.sleep(for: duration)
            return true
        } catch {
            return false
        }
    }

    private func perform(_ disturbance: Disturbance) async {
        do {
            switch disturbance {
            case .zombie(let worker, let lasts): await stopAndWake(worker, lasts)
            case .drain(let worker):
                if await fleet.drain(worker) { journal.count(.drain, "worker \(worker + 1)") }
            case .cut(let worker, let party):
                journal.count(.cut, "worker \(worker + 1) from \(party.rawValue)")
                links[worker].cut(party)
            case .partition(let worker, let parties, let lasts, let endsWithCut):
                await part(worker, parties, lasts, endsWithCut)
            case .auditDisk(let worker, let lasts):
                try disks[worker].fill()
                await pass(lasts, .auditDisk, "worker \(worker + 1)")
                try disks[worker].free()
            case .tenantTrouble(let trouble, let lasts):
                await tenant.set(trouble, true)
                await pass(lasts, .tenantTrouble, trouble.rawValue)
                await tenant.set(trouble, false)
            case .tenantRestart(let lasts):
                await tenant.close()
                await pass(lasts, .tenantRestart, "")
                try await tenant.open()
            case .brokerConnections: try await closeConnections()
            case .server(let service, let kill, let lasts): try await restart(service, kill, lasts, disturbance.kind)
            }
        } catch {
            journal.incident("\(disturbance.kind.rawValue) did not go as it should: \(error)")
        }
    }

    /// Notes what is done and lets it last.
    private func pass(_ duration: Duration, _ kind: FaultKind, _ what: String) async {
        journal.count(kind, "\(what) for \(duration)")
        _ = await sleep(duration)
        journal.note("\(kind.rawValue): \(what) over")
    }

    private func stopAndWake(_ worker: Int, _ lasts: Duration) async {
        guard let life = await fleet.suspend(worker) else { return }
        await fleet.shield(worker, for: lasts + Self.aftermath)
        await pass(lasts, .zombie, "worker \(worker + 1)")
        await fleet.wake(worker, life: life)
    }

    /// How long a worker is spared once it has woken, or is connected again: long enough to find out.
    private static let aftermath = Duration.seconds(2)

    private func part(
        _ worker: Int, _ parties: [WorkerLinks.Party], _ lasts: Duration, _ endsWithCut: Bool
    ) async {
        for party in parties { links[worker].stall(party, true) }
        await fleet.shield(worker, for: lasts + Self.aftermath)
        let names = parties.map(\.rawValue).joined(separator: ", ")
        await pass(lasts, .partition, "worker \(worker + 1) from \(names)")
        for party in parties {
            if endsWithCut { links[worker].cut(party) }
            links[worker].stall(party, false)
        }
    }

    private func closeConnections() async throws {
        journal.count(.brokerConnections, "")
        guard let control = servers.brokerControl else {
            for link in links { link.cut(.broker) }
            return
        }
        let process = try ChildProcess(
            control, ["close_all_connections", "chaos"], environment: ProcessInfo.processInfo.environment)
        _ = await process.end(atMost: .seconds(60))
    }

    private func restart(
        _ service: ServiceControl.Service, _ kill: Bool, _ lasts: Duration, _ kind: FaultKind
    ) async throws {
        guard let services = servers.services else { return }
        try await services.stop(service, kill: kill)
        await pass(lasts, kind, "")
        // Not to be cut short: without the server there is no end of the run.
        try await Task { try await services.start(service) }.value
        try await Task { try await ServerReadiness(servers: servers, store: store).wait(for: service) }.value
        journal.note("\(kind.rawValue): up again")
    }
}
