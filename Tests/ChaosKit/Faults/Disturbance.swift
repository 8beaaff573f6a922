// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import TestKit

/// One piece of trouble with everything that was drawn for it.
package enum Disturbance: Sendable, Hashable {
    case zombie(worker: Int, lasts: Duration)
    case drain(worker: Int)
    case cut(worker: Int, WorkerLinks.Party)
    case partition(worker: Int, [WorkerLinks.Party], lasts: Duration, endsWithCut: Bool)
    case auditDisk(worker: Int, lasts: Duration)
    case tenantTrouble(TenantHost.Trouble, lasts: Duration)
    case tenantRestart(lasts: Duration)
    case brokerConnections
    case server(ServiceControl.Service, kill: Bool, lasts: Duration)

    /// The kind it is counted under.
    package var kind: FaultKind {
        switch self {
        case .zombie: .zombie
        case .drain: .drain
        case .cut: .cut
        case .partition: .partition
        case .auditDisk: .auditDisk
        case .tenantTrouble: .tenantTrouble
        case .tenantRestart: .tenantRestart
        case .brokerConnections: .brokerConnections
        case .server(.broker, let kill, _): kill ? .brokerKill : .brokerRestart
        case .server(.store, let kill, _): kill ? .storeKill : .storeRestart
        }
    }
}

/// Deals trouble of the chosen kinds: each kind once before any comes again, everything drawn from the seed.
package struct FaultSchedule: Sendable {
    private let kinds: [FaultKind]
    private let workers: Int
    private var deck: [FaultKind] = []
    private var random: SplitMix64

    package init(kinds: Set<FaultKind>, workers: Int, random: SplitMix64) {
        // In a fixed order, for a set has a different one in every process.
        self.kinds = FaultKind.allCases.filter(kinds.contains)
        self.workers = workers
        self.random = random
    }

    package var isEmpty: Bool { kinds.isEmpty }

    /// How long until the next piece of trouble, half to one and a half of `average`.
    mutating func pause(average: Duration) -> Duration { average * Double.random(in: 0.5...1.5, using: &random) }

    /// The next piece; nil where no kind was chosen.
    package mutating func next() -> Disturbance? {
        if deck.isEmpty { deck = kinds.shuffled(using: &random) }
        guard let kind = deck.popLast() else { return nil }
        let worker = Int.random(in: 0..<workers, using: &random)
        switch kind {
        // Longer than lease and heartbeats: the run and the delivery have gone to others when it wakes.
        case .zombie: return .zombie(worker: worker, lasts: random.milliseconds(5000...10_000))
        case .drain: return .drain(worker: worker)
        case .cut: return WorkerLinks.Party.allCases.randomElement(using: &random).map { .cut(worker: worker, $0) }
        case .partition: return partition(worker)
        case .auditDisk: return .auditDisk(worker: worker, lasts: random.milliseconds(1000...5000))
        case .tenantTrouble:
            let lasts = random.milliseconds(500...4000)
            return TenantHost.Trouble.allCases.randomElement(using: &random).map { .tenantTrouble($0, lasts: lasts) }
        case .tenantRestart: return .tenantRestart(lasts: random.milliseconds(500...4000))
        case .brokerConnections: return .brokerConnections
        case .brokerRestart: return .server(.broker, kill: false, lasts: random.milliseconds(0...2000))
        case .brokerKill: return .server(.broker, kill: true, lasts: random.milliseconds(0...2000))
        case .storeRestart: return .server(.store, kill: false, lasts: random.milliseconds(0...3000))
        case .storeKill: return .server(.store, kill: true, lasts: random.milliseconds(0...3000))
        case .kill, .scenarios, .duplicates: return nil
        }
    }

    /// From one party or from all of them at once; the connections live on afterwards, or are closed.
    private mutating func partition(_ worker: Int) -> Disturbance {
        let all = WorkerLinks.Party.allCases
        let parties = random.chance(0.25) ? all : all.randomElement(using: &random).map { [$0] } ?? all
        return .partition(
            worker: worker, parties, lasts: random.milliseconds(1000...8000), endsWithCut: random.chance(0.5))
    }
}
