// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a client sees of a call that went wrong.
enum Trouble: Hashable {
    case noAnswer
    case serverError
    case throttled(Instant?)
    case refused

    var isThrottling: Bool { if case .throttled = self { true } else { false } }
}

/// What becomes of one call.
struct Fate {
    /// When its effects take place, counted from now: none, one, or two where a client library repeats it.
    var effects: [Instant]
    /// When the client is answered; with trouble, or with the result of the last effect.
    var answer: Instant
    var trouble: Trouble?
}

/// How much trouble by chance a number of calls may meet in all, so that no bound of the policy is reached.
struct Budget: Hashable {
    let name: String
    let limit: Int

    static func trigger(_ command: Int) -> Budget { Budget(name: "trigger \(command)", limit: 3) }
    static func download(_ command: Int) -> Budget { Budget(name: "download \(command)", limit: 2) }
    /// Everything that is stored for a command while its artifact is moved.
    static func store(_ command: Int) -> Budget { Budget(name: "store \(command)", limit: 10) }
}

/// Decides what becomes of calls: chance for each of them, and what lies between a host and a server for a time.
final class Weather {
    private struct Cloud {
        enum Kind { case drops, dropsAnswers, isOut, refuses }

        let server: Server
        /// Nil: over everybody.
        let host: Int?
        let kind: Kind
    }

    private let scenario: Scenario
    private var clouds: [Int: Cloud] = [:]
    private var nextCloud = 0
    /// Random trouble in a row of one host with one server; bounded, so that it is never an outage.
    private var streaks: [Int: Int] = [:]
    private var spent: [Budget: Int] = [:]
    private(set) var isCalm = false

    init(_ scenario: Scenario) { self.scenario = scenario }

    // MARK: Clouds

    func gather(_ incident: Scenario.Incident) -> Int? {
        switch incident {
        case .partition(let host, let server, let oneWay, _):
            add(Cloud(server: server, host: host, kind: oneWay ? .dropsAnswers : .drops))
        case .outage(let server, _): add(Cloud(server: server, host: nil, kind: .isOut))
        case .refused(let host, let server, _): add(Cloud(server: server, host: host, kind: .refuses))
        default: nil
        }
    }

    private func add(_ cloud: Cloud) -> Int {
        nextCloud += 1
        clouds[nextCloud] = cloud
        return nextCloud
    }

    func clear(_ cloud: Int) { clouds[cloud] = nil }

    func clearAll() {
        clouds.removeAll()
        isCalm = true
    }

    /// The kinds of cloud that lie between a host and a server.
    private func overhead(_ host: Int, _ server: Server) -> [Cloud.Kind] {
        guard !clouds.isEmpty else { return [] }
        return clouds.sorted { $0.key < $1.key }.map(\.value)
            .filter { $0.server == server && ($0.host == nil || $0.host == host) }.map(\.kind)
    }

    /// Whether nothing lasting lies between a host and a server.
    func isClear(_ host: Int, _ server: Server) -> Bool { overhead(host, server).isEmpty }

    // MARK: Fates

    /// - Parameter budget: calls of the same budget meet chance trouble only a few times in all.
    func fate(_ host: Int, _ server: Server, budget: Budget?, _ random: inout SeededRandom) -> Fate {
        let there = random.between(.millisecond, 40 * .millisecond)
        let back = there + random.between(.millisecond, 40 * .millisecond)
        if let kind = overhead(host, server).first {
            if let budget { spent[budget, default: 0] += 1 }
            return fate(under: kind, there, back, &random)
        }
        let fine = Fate(effects: [there], answer: back)
        guard !isCalm, let rates = scenario.rates[server] else { return fine }
        let key = host * 16 + server.number
        let isSpent = budget.map { spent[$0, default: 0] >= $0.limit } ?? false
        guard !isSpent, streaks[key, default: 0] < 2, var fate = bad(rates, there, back, &random) else {
            streaks[key] = 0
            return random.chance(rates.slow) ? slowed(fine, &random) : fine
        }
        if fate.trouble != nil {
            streaks[key, default: 0] += 1
            if let budget { spent[budget, default: 0] += 1 }
        }
        if server == .file { fate.effects = fate.effects.filter { $0 < .minute } }
        return fate
    }

    /// Whether a conditional write is refused though its condition holds.
    func refusesFalsely(_ random: inout SeededRandom) -> Bool {
        guard !isCalm, let rates = scenario.rates[.store] else { return false }
        return random.chance(rates.falseConflict)
    }

    private func fate(
        under kind: Cloud.Kind, _ there: Instant, _ back: Instant, _ random: inout SeededRandom
    ) -> Fate {
        let patience = random.between(5 * .second, 30 * .second)
        return switch kind {
        case .drops: Fate(effects: [], answer: random.chance(0.5) ? patience : back, trouble: .noAnswer)
        case .dropsAnswers: Fate(effects: [there], answer: patience, trouble: .noAnswer)
        case .isOut:
            random.chance(0.5)
                ? Fate(effects: [], answer: back, trouble: .serverError)
                : Fate(effects: [], answer: patience, trouble: .noAnswer)
        case .refuses: Fate(effects: [], answer: back, trouble: .refused)
        }
    }

    /// Trouble by chance; nil for none.
    private func bad(
        _ rates: Scenario.Rates, _ there: Instant, _ back: Instant, _ random: inout SeededRandom
    ) -> Fate? {
        var roll = random.unit()
        func hits(_ rate: Double) -> Bool {
            roll -= rate
            return roll < 0
        }
        let patience = random.between(2 * .second, 30 * .second)
        if hits(rates.lostRequest) { return Fate(effects: [], answer: patience, trouble: .noAnswer) }
        if hits(rates.lostAnswer) { return Fate(effects: [there], answer: patience, trouble: .noAnswer) }
        if hits(rates.late) {
            let delay = random.magnitude(100 * .millisecond, 10 * .minute)
            return Fate(effects: [patience + delay], answer: patience, trouble: .noAnswer)
        }
        if hits(rates.serverError) {
            return Fate(effects: random.chance(0.5) ? [there] : [], answer: back, trouble: .serverError)
        }
        if hits(rates.throttled) {
            let wait = random.chance(0.5) ? random.between(.second, 20 * .second) : nil
            return Fate(effects: [], answer: back, trouble: .throttled(wait))
        }
        if hits(rates.repeated) { return Fate(effects: [there, back], answer: back + there) }
        return nil
    }

    private func slowed(_ fate: Fate, _ random: inout SeededRandom) -> Fate {
        let there = random.magnitude(100 * .millisecond, 20 * .second)
        return Fate(effects: [there], answer: there + random.magnitude(100 * .millisecond, 20 * .second))
    }
}

extension Server {
    /// A small number of its own.
    var number: Int {
        switch self {
        case .store: 0
        case .exchange: 1
        case .file: 2
        case .tenant(let index): 3 + index
        }
    }

    var name: String {
        switch self {
        case .store: "store"
        case .exchange: "exchange"
        case .file: "file"
        case .tenant(let index): Self.tenantName(index)
        }
    }

    static func tenantName(_ index: Int) -> String { "tenant\(index)" }
}
