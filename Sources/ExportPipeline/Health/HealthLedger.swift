// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// When a dependency is suspected, and how it is looked after while it is out of order.
package struct HealthPolicy: Sendable, Hashable {
    /// A dependency whose calls have all failed for so long, with no success between, is probed.
    package var downAfter: Duration = .seconds(60)
    /// So many different commands of one tenant refused alike in a row pause the tenant (`health.suspectAfter`).
    package var suspectAfter = 5
    /// The back-off of the probes.
    package var probeInitial: Duration = .seconds(1)
    package var probeMax: Duration = .seconds(30)
    /// A trial with commands costs each of them a delivery, of which there is a limited number: their back-off ends at so
    /// many times `probeMax`.
    package var trialFactor = 30

    package init() {}
}

/// A refusal of one command that might be meant for all of a tenant's.
package struct Refusal: Sendable, Hashable {
    package let stage: Stage
    package let httpStatus: Int

    package init(stage: Stage, httpStatus: Int) {
        self.stage = stage
        self.httpStatus = httpStatus
    }
}

/// What is known about the dependencies: a pure record of successes, failures and like refusals.
struct HealthLedger: Sendable {
    /// What follows from a refusal.
    enum RefusalVerdict: Sendable, Hashable {
        /// It is this command's own.
        case settle
        /// It is believed, and the tenant is suspected from now on.
        case settleAndSuspect
        /// The tenant is suspected of refusing everybody: the command waits.
        case hold
    }

    /// Refusals of different commands in a row, each for the same reason.
    struct Streak: Sendable {
        let refusal: Refusal
        var commands: [ExportCommand]
        /// The tenant was let go on after a pause, though nothing but the next command can tell whether it still refuses.
        var isOnProbation = false
        /// From one such trial to the next.
        var trials: Backoff
    }

    let policy: HealthPolicy
    private var failingSince: [Dependency: Duration] = [:]
    private var streaks: [String: Streak] = [:]
    /// Refusals that somebody vouched for (`resume`): they are believed until a success.
    private var vouched: [String: Refusal] = [:]
    private(set) var outages: [Dependency: Outage] = [:]
    /// The gist of each reason that was told in an outage.
    private var told: [Dependency: [[Substring]]] = [:]
    private static let maximumTold = 16

    init(policy: HealthPolicy) { self.policy = policy }

    // MARK: Successes and failures

    mutating func succeeded(_ dependency: Dependency) { failingSince[dependency] = nil }

    /// Whether all calls have failed for so long that the dependency should be probed.
    mutating func failed(_ dependency: Dependency, at now: Duration) -> Bool {
        let since = failingSince[dependency] ?? now
        failingSince[dependency] = since
        return now - since >= policy.downAfter
    }

    // MARK: Refusals

    /// A call of that stage was answered with success: such refusals are not meant for everybody.
    ///
    /// Returns true where the tenant was suspected because of them.
    mutating func accepted(_ tenant: String, stage: Stage) -> Bool {
        if vouched[tenant]?.stage == stage { vouched[tenant] = nil }
        guard let streak = streaks[tenant], streak.refusal.stage == stage else { return false }
        streaks[tenant] = nil
        return isSuspicious(streak)
    }

    /// One command of a tenant was refused.
    mutating func refused(_ command: ExportCommand, _ refusal: Refusal) -> RefusalVerdict {
        let tenant = command.tenant
        if vouched[tenant] == refusal { return .settle }
        var streak =
            if let known = streaks[tenant], known.refusal == refusal { known } else {
                Streak(
                    refusal: refusal, commands: [],
                    trials: Backoff(initial: policy.probeInitial, maximum: policy.probeMax * policy.trialFactor))
            }
        if isSuspicious(streak) { return .hold }
        if !streak.commands.contains(where: { $0.commandID == command.commandID }) { streak.commands.append(command) }
        streaks[tenant] = streak
        return streak.commands.count < policy.suspectAfter ? .settle : .settleAndSuspect
    }

    /// The refusals that made a tenant suspicious.
    func streak(of tenant: String) -> Streak? { streaks[tenant] }

    /// The wait before a suspected tenant is tried again.
    mutating func nextTrial(of tenant: String, jitter: Double) -> Duration? {
        streaks[tenant]?.trials.next(jitter: jitter)
    }

    /// Somebody who knows says that the tenant's refusals are right.
    mutating func vouch(for tenant: String) {
        vouched[tenant] = streaks[tenant]?.refusal
        streaks[tenant] = nil
    }

    // MARK: Outages

    /// Notes an outage; false where the like of its reason was told before in the same outage, numbers and ids left out.
    mutating func open(_ outage: Outage) -> Bool {
        outages[outage.dependency, default: outage].reason = outage.reason
        let told = told[outage.dependency, default: []]
        // Reasons can alternate (a connection breaks in many ways): each is worth a line, but not at every probe.
        guard told.count < Self.maximumTold, !told.contains(outage.gist) else { return false }
        self.told[outage.dependency] = told + [outage.gist]
        return true
    }

    /// The dependency serves again; nil where nothing else was known.
    ///
    /// No probe starts an export: whether a tenant that refused those serves again, the next command must show. A streak
    /// that is not long enough yet had no part in the outage, and goes on.
    mutating func close(_ dependency: Dependency) -> Outage? {
        failingSince[dependency] = nil
        told[dependency] = nil
        if case .tenant(let name) = dependency, let streak = streaks[name], isSuspicious(streak) {
            if streak.refusal.stage == .trigger { streaks[name]?.isOnProbation = true } else { streaks[name] = nil }
        }
        return outages.removeValue(forKey: dependency)
    }

    private func isSuspicious(_ streak: Streak) -> Bool {
        streak.isOnProbation || streak.commands.count >= policy.suspectAfter
    }

    /// What keeps work for `tenant` (nil: for nobody in particular) from beginning, the broadest first.
    func obstacle(for tenant: String?) -> Outage? {
        let own: [Dependency] = tenant.map { [.consent(tenant: $0), .tenant($0)] } ?? []
        return common.first ?? own.lazy.compactMap { outages[$0] }.first
    }

    /// The outages that concern every command, in a fixed order.
    var common: [Outage] {
        outages.values.filter(\.dependency.isCommon).sorted { "\($0.dependency)" < "\($1.dependency)" }
    }
}

extension Outage {
    /// The words of the reason that do not differ from one probe to the next: times and the ids of requests do.
    fileprivate var gist: [Substring] {
        reason.split { !$0.isLetter && !$0.isNumber }.filter { !$0.contains(where: \.isNumber) }
    }
}

extension Dependency {
    /// Whether every command needs it.
    var isCommon: Bool {
        switch self {
        case .broker, .objectStore, .auditSink, .consent(nil): true
        case .tenant, .consent: false
        }
    }
}
