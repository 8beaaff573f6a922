// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Scenario {
    /// Draws a scenario. Every kind of fault is absent from most of them: where everything fails at once, nothing gets
    /// far enough to go wrong in an interesting way.
    init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed: seed)
        hosts = random.pick([1, 2, 2, 2, 3, 3])
        tenants = random.pick([1, 1, 2])
        queues = tenants == 2 && random.chance(0.5) ? 2 : 1
        prefetch = random.pick([1, 2, 8])
        // Often close to midnight: dates are parts of keys.
        startsAt = 1_790_000_000_000 / 86_400_000 * 86_400_000 - (random.chance(0.6) ? 300_000 : 40_000_000)
        skews = (0..<hosts).map { _ in random.chance(0.3) ? random.between(-10 * .minute, 10 * .minute) : 0 }
        calmAt = random.between(2 * .minute, 12 * .minute)
        commands = (0..<random.pick([1, 1, 2, 2, 3, 4])).map { Self.command($0, &random, tenants, queues, calmAt) }
        drawRates(&random)
        if random.chance(0.6) { crashes = random.pick([0.3, 0.7, 1]) }
        if random.chance(0.4) { freezes = random.pick([0.3, 0.7]) }
        if random.chance(0.2) { consumerTimeout = random.between(3 * .minute, 6 * .minute) }
        knowsConsumerTimeout = random.chance(0.7)
        // A command that dies with ten workers in a row while nobody may judge it is the broker's to drop.
        if crashes == 0, random.chance(0.2) { deliveryLimit = 12 + random.below(8) }
        suspectAfter = random.pick([1, 2, 5])
        for _ in 0..<random.pick([0, 0, 1, 1, 2, 3, 5]) {
            incidents.append((random.between(0, calmAt), incident(&random)))
        }
    }

    private static func command(
        _ number: Int, _ random: inout SeededRandom, _ tenants: Int, _ queues: Int, _ calmAt: Instant
    ) -> Command {
        let tenant = random.below(tenants)
        var command = Command(id: "c\(number)", tenant: tenant, queue: queues == 2 ? tenant : 0)
        let first = random.between(0, calmAt / 2)
        let isNameless = random.chance(0.05)
        for copy in 0..<random.pick([1, 1, 1, 2, 2, 3]) {
            let messageID = isNameless || random.chance(0.1) ? nil : "m\(number)-\(random.chance(0.3) ? 0 : copy)"
            command.copies.append(
                Copy(
                    at: copy == 0 ? first : first + random.magnitude(.millisecond, calmAt / 2), messageID: messageID,
                    variant: copy > 0 && random.chance(0.08) ? 1 : 0))
        }
        if random.chance(0.2) {
            command.ending = random.pick([.jobFails, .unknownJobStatus, .notTrained, .modelMissing, .invalid])
        }
        command.jobDuration = random.magnitude(100 * .millisecond, 3 * .minute)
        command.parts = random.pick([1, 1, 2, 3, 4])
        if random.chance(0.1) { command.trainedAt = random.between(0, 2 * .minute) }
        if random.chance(0.12) { command.lostJobs = random.pick([1, 1, 2, 3]) }
        if random.chance(0.08) { command.unencrypted = random.pick([1, 2, 5]) }
        if random.chance(0.15) { command.vanishesAt = first + random.magnitude(.second, calmAt) }
        command.isReplayed = random.chance(0.5)
        return command
    }

    private mutating func drawRates(_ random: inout SeededRandom) {
        let servers = [Server.store, .exchange, .file] + (0..<tenants).map(Server.tenant)
        for server in servers where random.chance(0.7) {
            var one = Rates()
            func rate() -> Double { random.chance(0.35) ? random.pick([0.01, 0.04, 0.12]) : 0 }
            one.lostRequest = rate()
            one.lostAnswer = rate()
            one.late = rate()
            one.slow = rate()
            one.serverError = rate()
            one.throttled = rate()
            one.repeated = rate()
            one.falseConflict = server == .store ? rate() / 2 : 0
            rates[server] = one
        }
    }

    private func incident(_ random: inout SeededRandom) -> Incident {
        let host = random.below(hosts)
        let server = random.pick([.store, .store, .exchange, .file] + (0..<tenants).map(Server.tenant))
        let short = random.magnitude(.second, 5 * .minute)
        switch random.below(15) {
        case 0, 1: return .partition(host: host, server, oneWay: random.chance(0.3), short)
        case 2: return .outage(server, random.magnitude(5 * .second, 30 * .minute))
        case 3: return .refused(host: random.chance(0.5) ? host : nil, server, random.magnitude(.second, 30 * .minute))
        case 4, 5: return .cutLine(host: host)
        case 6: return .brokerRestart(random.magnitude(.second, .minute))
        case 7: return .serverCancel(host: host)
        case 8: return .crash(host: host)
        case 9: return .freeze(host: host, random.magnitude(10 * .second, 3 * 60 * .minute))
        case 10: return .drain(host: host)
        case 11: return .pause(host: host, short)
        case 12: return .scopeLost(tenant: random.below(tenants), random.magnitude(.second, 20 * .minute))
        case 13: return .blocked(random.magnitude(.second, 20 * .minute))
        default: return .clockJump(host: host, random.between(-10 * .minute, 10 * .minute))
        }
    }

    /// What strikes a process that starts now.
    func strikes(_ random: inout SeededRandom) -> [Strike] {
        var strikes: [Strike] = []
        func call() -> Int { Int(random.magnitude(1, 100)) }
        if random.chance(crashes) {
            strikes.append(Strike(call: call(), phase: random.pick(Strike.Phase.allCases), frozenFor: nil))
        }
        if random.chance(freezes) {
            strikes.append(
                Strike(
                    call: call(), phase: random.pick(Strike.Phase.allCases),
                    frozenFor: random.magnitude(10 * .second, random.chance(0.1) ? 180 * .minute : 10 * .minute)))
        }
        return strikes
    }
}
