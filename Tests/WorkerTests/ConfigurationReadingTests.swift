// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Worker

@Suite struct ConfigurationReadingTests {
    @Test func defaultsAreThoseOfTheDesign() throws {
        let settings = try Sample.settings()
        #expect(settings.amqp.urls.map { $0.reveal() } == ["amqp://guest:guest@127.0.0.1:5672/%2f"])
        #expect(settings.amqp.heartbeat == .seconds(15))
        #expect(settings.amqp.commandQueues == ["nlu.export.commands"])
        #expect(settings.amqp.prefetch == 16)
        #expect(settings.amqp.maxCommandBytes == 65_536)
        #expect(settings.amqp.consumerTimeout == .seconds(1800))
        #expect(settings.amqp.deliveryLimit == 1000)
        #expect(settings.amqp.declare && !settings.amqp.deadAssumeConfigured)
        #expect(settings.tenants.map(\.name) == ["default"])
        #expect(settings.tenants[0].baseURL == "https://api.example.com")
        #expect(settings.tenants[0].api == .v1)
        #expect(settings.job == .init(pollInitial: .seconds(2), pollMax: .seconds(30), deadline: .seconds(7200)))
        #expect(settings.retry.holdFor == .seconds(1200))
        #expect(settings.retry.maxAttempts == 20 && settings.retry.maxRuns == 3 && settings.retry.transfers == 5)
        #expect(settings.retry.triggerRepeats == 5 && settings.retry.triggerDelay == .seconds(2))
        #expect(settings.lease == .init(renew: .seconds(15), expiry: .seconds(60)))
        #expect(settings.transfer.partSize == 8 << 20)
        #expect(settings.transfer.memoryBudget == 96 << 20)
        #expect(settings.transfer.largestPart == 12 << 20)
        #expect(settings.transfer.maxArtifactBytes == 50 << 30)
        #expect(settings.s3.encryption == .aes256 && settings.s3.conditionalWrites)
        #expect(settings.s3.endpoint == nil && settings.s3.addressing == .auto)
        #expect(settings.audit == .init(file: nil, prefix: "audit/", retention: nil, actor: "automation_service"))
        #expect(settings.http.port == 9464 && settings.http.isLoopback)
        #expect(settings.shutdownGrace == .seconds(25))
        #expect(settings.log == .init(level: .info, format: .auto))
    }

    @Test func optionsWinOverVariablesAndVariablesOverTheFile() throws {
        let yaml = "log: {level: debug}\namqp: {prefetch: 2, deliveryLimit: 30}"
        let report = try Sample.inspect(
            yaml, ["NLU_EXPORT_LOG_LEVEL": "error", "NLU_EXPORT_AMQP_PREFETCH": "4"],
            overrides: [SettingOverride(key: "log.level", value: "trace", option: "--log-level")])
        #expect(report.settings.log.level == .trace)
        #expect(report.settings.amqp.prefetch == 4)
        #expect(report.settings.amqp.deliveryLimit == 30)
        func origin(_ key: String) -> String? { report.entries.first { $0.key == key }?.origin.description }
        #expect(origin("log.level") == "--log-level")
        #expect(origin("amqp.prefetch") == "NLU_EXPORT_AMQP_PREFETCH")
        #expect(origin("amqp.deliveryLimit") == "worker.yaml:2")
        #expect(origin("amqp.heartbeat") == "default")
    }

    @Test func listsReadFromBothForms() throws {
        let fromFile = try Sample.settings("amqp: {commands: {queues: [a, b]}}")
        let fromText = try Sample.settings("amqp: {commands: {queues: \"a, b\"}}")
        let fromVariable = try Sample.settings("", ["NLU_EXPORT_AMQP_COMMANDS_QUEUES": " a ,b"])
        for settings in [fromFile, fromText, fromVariable] { #expect(settings.amqp.commandQueues == ["a", "b"]) }
    }

    @Test func emptyVariablesCountOnlyWhereEmptyMeansOff() throws {
        let settings = try Sample.settings(
            "audit: {file: /tmp/audit.jsonl}\namqp: {prefetch: 2}",
            ["NLU_EXPORT_AUDIT_S3_PREFIX": "", "NLU_EXPORT_AMQP_PREFETCH": ""])
        #expect(settings.audit.prefix == nil)
        #expect(settings.amqp.prefetch == 2)
    }

    @Test func tenantsComeFromTheFileWhereTheyAreNotNamed() throws {
        let yaml = """
            cognigy:
              tenants:
                acme.eu: {baseUrl: "https://a", clientId: i, clientSecret: s, downloadHosts: [h1, h2]}
            """
        let report = try Sample.inspect(yaml)
        #expect(report.problems.isEmpty)
        #expect(report.settings.tenants.map(\.name) == ["acme.eu"])
        #expect(report.settings.tenant(named: "acme.eu")?.downloadHosts == ["h1", "h2"])
        let entry = try #require(report.entries.first { $0.key == "cognigy.tenantNames" })
        #expect(entry.value == "acme.eu" && entry.origin == .file(path: "worker.yaml", line: 0))
    }

    @Test func aTenantThatIsNotNamedIsWarnedAbout() throws {
        let yaml = "cognigy: {tenantNames: [default], tenants: {other: {scope: x}}}"
        let report = try Sample.inspect(yaml)
        #expect(report.problems.isEmpty)
        #expect(report.warnings.contains { $0.hasPrefix("cognigy.tenants.other has settings but is not in") })
    }

    @Test func strangeVariablesOnlyWarn() throws {
        let report = try Sample.inspect("", ["NLU_EXPORT_S3_BUCKT": "x", "NLU_EXPORT_SERVICE_HOST": "1", "OTHER": "y"])
        #expect(report.problems.isEmpty)
        #expect(report.warnings.count == 2)
        #expect(
            report.warnings[0].contains("NLU_EXPORT_S3_BUCKT") && report.warnings[0].contains("NLU_EXPORT_S3_BUCKET?"))
    }

    @Test(arguments: [
        ("cognigy: {tenants: {default: {apiKey: k}}}", [:], "apiKey is not used"),
        ("s3: {conditionalWrites: false}", [:], "s3.conditionalWrites is false"),
        ("", ["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": "http://h"], "baseUrl is http"),
    ])
    func warnsOfWhatIsHardlyMeant(yaml: String, variables: [String: String], text: String) throws {
        let report = try Sample.inspect(yaml, variables)
        #expect(report.problems.isEmpty)
        #expect(report.warnings.count == 1 && report.warnings[0].contains(text), "\(report.warnings)")
    }

    @Test func aCommandNeedsOnlyItsParts() throws {
        let request = SettingsRequest(file: nil, environment: [:], needs: .broker)
        let settings = try Settings.load(request)
        #expect(settings.s3.bucket.isEmpty && settings.tenants[0].baseURL.isEmpty)
        #expect(throws: ConfigurationError.self) {
            try Settings.load(SettingsRequest(file: nil, environment: [:], needs: .store))
        }
        #expect(throws: ConfigurationError.self) {
            try Settings.load(SettingsRequest(file: nil, environment: [:], needs: .tenants))
        }
    }

    @Test func valuesOfEveryKindAreRead() throws {
        let settings = try Sample.settings(
            """
            amqp: {heartbeat: 0s, maxCommandBytes: 2048, declare: no}
            validate: {trainingWait: 2m05s}
            s3: {encryption: "aws:kms", kmsKeyId: k, endpoint: "http://127.0.0.1:8333/", addressing: path}
            audit: {s3: {retention: "compliance:30d"}}
            http: {host: "::1", port: 0, token: t}
            cognigy: {tenants: {default: {maxRequestsPerMinute: 200}}}
            """)
        #expect(settings.amqp.heartbeat == .zero && settings.amqp.maxCommandBytes == 2048 && !settings.amqp.declare)
        #expect(settings.trainingWait == .seconds(125))
        #expect(settings.s3.encryption == .kms && settings.s3.kmsKeyID == "k")
        #expect(settings.s3.endpoint == "http://127.0.0.1:8333" && settings.s3.addressing == .path)
        #expect(settings.audit.retention == .init(mode: .compliance, days: 30))
        #expect(settings.http.isLoopback && settings.http.token == .inline(Secret("t")))
        #expect(settings.tenants[0].maxRequestsPerMinute == 200)
    }
}
