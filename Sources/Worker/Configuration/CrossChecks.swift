// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What must hold between settings, and which of them a command cannot do without.
enum CrossChecks {
    /// One rule: the keys that it looks at (the first is the one to blame), who cares, and the rule itself.
    struct Rule: Sendable {
        let keys: [String]
        let needs: SettingsNeeds
        /// Nil where the rule holds.
        let check: @Sendable (Settings) -> InvalidSetting?

        init(
            _ keys: [String], _ needs: SettingsNeeds = [], _ check: @escaping @Sendable (Settings) -> InvalidSetting?
        ) {
            self.keys = keys
            self.needs = needs
            self.check = check
        }
    }

    static let rules: [Rule] = brokerRules + timeRules + transferRules + storageRules + operationRules

    /// Notes a problem for every broken rule whose keys are right by themselves.
    static func run(on settings: Settings, needs: SettingsNeeds, reader: inout SettingsReader) {
        let all = rules + settings.tenants.flatMap(tenantRules) + fileRules(settings)
        for rule in all where rule.needs.isSubset(of: needs) && !reader.hasProblem(with: rule.keys) {
            if let invalid = rule.check(settings) { reader.add(rule.keys[0], invalid) }
        }
    }

    /// What is allowed and yet hardly meant.
    static func warnings(about settings: Settings, needs: SettingsNeeds) -> [String] {
        var found: [String] = []
        for tenant in settings.tenants where needs.contains(.tenants) {
            let key = "cognigy.tenants.\(tenant.name)"
            if let url = URLText(tenant.baseURL), url.scheme == "http", !URLText.isLoopback(url.host) {
                found.append("\(key).baseUrl is http: the client secret crosses the network in the clear. Use https.")
            }
            if tenant.api == .v1 && tenant.apiKey != nil {
                found.append("\(key).apiKey is not used: api v1 takes clientId and clientSecret.")
            }
        }
        if needs.contains(.store) && !settings.s3.conditionalWrites {
            found.append(
                "s3.conditionalWrites is false: run one worker only; after a crash a command may be exported twice.")
        }
        return found
    }

    static let timeRules: [Rule] = [
        Rule(["lease.expiry", "lease.renew"]) { settings in
            settings.lease.expiry > settings.lease.renew * 2
                ? nil
                : InvalidSetting(
                    "is not more than twice lease.renew (\(DurationText.format(settings.lease.renew)))",
                    "Raise it, or lower lease.renew: a sign of life may come late once.")
        },
        Rule(["job.pollMax", "job.pollInitial"]) { settings in
            settings.job.pollMax >= settings.job.pollInitial
                ? nil
                : InvalidSetting(
                    "is shorter than job.pollInitial (\(DurationText.format(settings.job.pollInitial)))",
                    "Raise it, or lower job.pollInitial.")
        },
        Rule(["retry.max", "retry.initial"]) { settings in
            settings.retry.max >= settings.retry.initial
                ? nil
                : InvalidSetting(
                    "is shorter than retry.initial (\(DurationText.format(settings.retry.initial)))",
                    "Raise it, or lower retry.initial.")
        },
    ]

    static let transferRules: [Rule] = [
        Rule(["transfer.memoryBudget", "transfer.concurrency"]) { settings in
            let least = settings.transfer.concurrency * 2 * 5 * Catalogue.Bound.mebibyte
            return settings.transfer.memoryBudget >= least
                ? nil
                : InvalidSetting(
                    "cannot hold two parts of 5MiB for each of \(settings.transfer.concurrency) transfers",
                    "Give at least \(SizeText.format(least)), or lower transfer.concurrency.")
        },
        Rule(["transfer.partSize", "transfer.memoryBudget", "transfer.concurrency"]) { settings in
            let largest = settings.transfer.largestPart
            return settings.transfer.partSize <= largest
                ? nil
                : InvalidSetting(
                    "is more than transfer.memoryBudget / (2 × transfer.concurrency): \(SizeText.format(largest))",
                    "Lower it, or raise the budget.")
        },
        Rule(["transfer.maxArtifactBytes", "transfer.memoryBudget", "transfer.concurrency"]) { settings in
            let most = settings.transfer.largestPart * 10_000
            return settings.transfer.maxArtifactBytes <= most
                ? nil
                : InvalidSetting(
                    "is more than 10,000 parts of the size that the memory budget allows: \(SizeText.format(most))",
                    "Lower it, raise transfer.memoryBudget, or lower transfer.concurrency.")
        },
    ]

    static let operationRules: [Rule] = [
        Rule(["http.token", "http.tokenFile", "http.host", "http.port"]) { settings in
            let isOpen = settings.http.port != 0 && !settings.http.isLoopback && settings.http.token == nil
            return isOpen
                ? InvalidSetting(
                    "is missing while http.host is \(settings.http.host), which other machines can reach",
                    "Set http.token or http.tokenFile, or listen on 127.0.0.1.") : nil
        }
    ]
}
