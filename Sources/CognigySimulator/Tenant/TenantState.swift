// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Everything a tenant knows, and what it answers: a value without locks, sockets or clocks.
struct TenantState: Sendable {
    struct Token: Sendable {
        var client: String
        var scopes: [String]
        var expiresAt: Duration
    }

    struct ModelVersion: Sendable, Hashable {
        var model: String
        var version: String
    }

    struct CounterKey: Sendable, Hashable {
        var fault: String
        var subject: Subject
    }

    struct IdempotencyKey: Sendable, Hashable {
        var client: String
        var key: String
    }

    let configuration: SimulatorConfiguration
    var apiPort = 0
    var downloadPort = 0

    var rules: [(name: String, rule: Rule)] = []
    var faults = TenantFaults()
    var tokens: [String: Token] = [:]
    var jobs: [String: Job] = [:]
    var jobOrder: [String] = []
    var jobNumbers: [ModelVersion: Int] = [:]
    var seenKeys: Set<IdempotencyKey> = []
    var jobOfKey: [IdempotencyKey: String] = [:]
    var counters: [CounterKey: Int] = [:]
    var looks: [ModelVersion: (count: Int, first: Duration)] = [:]
    var window = (minute: 0, requests: 0)
    var log = SimulatorLog()
    var serial: UInt64 = 0
    var requestNumber = 0
    var downloadNumber = 0

    init(configuration: SimulatorConfiguration) {
        self.configuration = configuration
        for rule in configuration.rules { add(rule) }
    }

    /// Puts a rule over those already there.
    mutating func add(_ rule: Rule) {
        serial += 1
        rules.append(("rule-\(serial)", rule))
    }

    /// Forgets everything but the configuration and the ports.
    mutating func reset() {
        var fresh = TenantState(configuration: configuration)
        fresh.apiPort = apiPort
        fresh.downloadPort = downloadPort
        // Ids and tokens of before the reset are not given out a second time.
        fresh.serial += serial
        self = fresh
    }

    /// What happens to requests about `subject`: well-known ids first, then the rules in order, later ones on top.
    func behaviour(for subject: Subject) -> Behaviour {
        var behaviour = Catalogue.behaviour(forID: subject.client ?? "")
        if let model = subject.model {
            behaviour = behaviour.overlaid(by: Catalogue.behaviour(forID: model))
        }
        for (name, rule) in rules where rule.match.fits(subject) {
            behaviour = behaviour.overlaid(by: rule.behaviour.named(after: name))
        }
        return behaviour
    }

    /// The artifact of a model version.
    func artifact(model: String, version: String, client: String? = nil) -> ArtifactContent {
        let size = behaviour(for: Subject(model: model, version: version, client: client)).size
        return ArtifactContent(model: model, version: version, size: (size ?? configuration.artifactSize).bytes)
    }

    /// An id that was never given out before, the same in every run.
    mutating func mint(_ prefix: String) -> String {
        serial += 1
        let digits = String(SplitMix64.mix(serial), radix: 16)
        return prefix + String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Array {
    /// Appends, and drops the oldest elements once there are twice as many as `limit`.
    mutating func append(_ element: Element, keeping limit: Int) {
        append(element)
        if count >= 2 * Swift.max(limit, 1) { removeFirst(count - Swift.max(limit, 1)) }
    }
}
