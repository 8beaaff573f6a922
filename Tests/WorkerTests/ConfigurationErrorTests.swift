// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Worker

/// One wrong configuration and the one problem that it has.
struct WrongConfiguration: Sendable, CustomTestStringConvertible {
    var yaml = ""
    var variables: [String: String] = [:]
    let key: String
    let complaint: String

    init(_ yaml: String, _ key: String, _ complaint: String) {
        self.yaml = yaml
        self.key = key
        self.complaint = complaint
    }

    init(_ variables: [String: String], _ key: String, _ complaint: String) {
        self.variables = variables
        self.key = key
        self.complaint = complaint
    }

    var testDescription: String { "\(key) \(complaint)" }
}

@Suite struct ConfigurationErrorTests {
    static let types: [WrongConfiguration] = [
        .init("amqp: {heartbeat: 15}", "amqp.heartbeat", "is no duration"),
        .init("amqp: {heartbeat: 15 s}", "amqp.heartbeat", "is no duration"),
        .init("amqp: {heartbeat: 500ms}", "amqp.heartbeat", "is out of range"),
        .init("amqp: {heartbeat: 11m}", "amqp.heartbeat", "is out of range"),
        .init("amqp: {heartbeat: [15s]}", "amqp.heartbeat", "is a list"),
        .init("amqp: {prefetch: 0}", "amqp.prefetch", "is out of range"),
        .init("amqp: {prefetch: 65536}", "amqp.prefetch", "is out of range"),
        .init("amqp: {prefetch: 1.5}", "amqp.prefetch", "is no whole number"),
        .init("amqp: {maxCommandBytes: 64KB}", "amqp.maxCommandBytes", "is no size"),
        .init("amqp: {maxCommandBytes: 1023}", "amqp.maxCommandBytes", "is out of range"),
        .init("amqp: {declare: maybe}", "amqp.declare", "is neither true nor false"),
        .init("amqp: {consumerTimeout: 2m04s}", "amqp.consumerTimeout", "is out of range"),
        .init("amqp: {url: \"http://a:b@c\"}", "amqp.url", "has a scheme other than"),
        .init("amqp: {url: \"amqp://a:b@c:99999\"}", "amqp.url", "is no absolute URL"),
        .init("amqp: {url: \"amqp://c/a/b\"}", "amqp.url", "holds a / in its virtual host"),
        .init("amqp: {url: []}", "amqp.url", "is empty"),
        .init("amqp: {commands: {queues: []}}", "amqp.commands.queues", "is empty"),
        .init("amqp: {commands: {queues: [a, a]}}", "amqp.commands.queues", "holds a twice"),
        .init("amqp: {commands: {queues: [amq.x]}}", "amqp.commands.queues", "begins with amq."),
        .init("amqp: {dead: {queue: \"\"}}", "amqp.dead.queue", "is empty"),
        .init("amqp: {events: {exchange: \"a\\u0007\"}}", "amqp.events.exchange", "holds control characters"),
        .init("amqp: {management: {url: \"ftp://a\"}}", "amqp.management.url", "has the scheme ftp"),
        .init("lease: {renew: 100ms}", "lease.renew", "is out of range"),
        .init("job: {pollInitial: 49ms}", "job.pollInitial", "is out of range"),
        .init("retry: {maxRuns: 0}", "retry.maxRuns", "is out of range"),
        .init("transfer: {partSize: 4MiB}", "transfer.partSize", "is out of range"),
        .init(["NLU_EXPORT_S3_BUCKET": "a"], "s3.bucket", "is no bucket name"),
        .init("s3: {endpoint: \"https://h/path\"}", "s3.endpoint", "holds a path"),
        .init("s3: {endpoint: \"https://a:b@h\"}", "s3.endpoint", "holds a user name"),
        .init("s3: {addressing: virtual-host}", "s3.addressing", "is no such choice"),
        .init("s3: {encryption: AES-256}", "s3.encryption", "is no such choice"),
        .init("s3: {statePrefix: state}", "s3.statePrefix", "does not end in /"),
        .init("s3: {statePrefix: ../x/}", "s3.statePrefix", "holds . or .."),
        .init("s3: {keyTemplate: \"a/{exportID}\"}", "s3.keyTemplate", "did you mean {exportId}"),
        .init("s3: {keyTemplate: \"a/{exportId\"}", "s3.keyTemplate", "has braces that do not match"),
        .init("s3: {keyTemplate: \"a/{modelId}\"}", "s3.keyTemplate", "lacks {exportId}"),
        .init("s3: {keyTemplate: \"/a/{exportId}\"}", "s3.keyTemplate", "holds an empty part"),
        .init("audit: {s3: {prefix: /audit/}}", "audit.s3.prefix", "holds an empty part"),
        .init("audit: {s3: {retention: governance}}", "audit.s3.retention", "is no retention"),
        .init("audit: {s3: {retention: \"legal:30d\"}}", "audit.s3.retention", "is no retention"),
        .init("audit: {s3: {retention: \"governance:0d\"}}", "audit.s3.retention", "is no retention"),
        .init("audit: {s3: {retention: \"governance:30\"}}", "audit.s3.retention", "is no retention"),
        .init("http: {host: \"0.0.0.0:80\"}", "http.host", "is no host"),
        .init("http: {port: 70000}", "http.port", "is out of range"),
        .init("log: {level: verbose}", "log.level", "is no such choice"),
        .init("log: {format: xml}", "log.format", "is no such choice"),
        .init("cognigy: {tenantNames: [a/b]}", "cognigy.tenantNames", "is no tenant name"),
        .init(
            "cognigy: {tenants: {default: {tokenPath: token}}}", "cognigy.tenants.default.tokenPath", "begin with one /"
        ),
        .init(
            "cognigy: {tenants: {default: {downloadHosts: [\"https://x\"]}}}", "cognigy.tenants.default.downloadHosts",
            "is no host"),
        .init(
            "cognigy: {tenants: {default: {maxRequestsPerMinute: 0}}}",
            "cognigy.tenants.default.maxRequestsPerMinute", "is out of range"),
        .init(
            ["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": "api.example.com"], "cognigy.tenants.default.baseUrl",
            "is no absolute URL"),
        .init(
            ["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": "ftp://x"], "cognigy.tenants.default.baseUrl",
            "has the scheme ftp"),
        .init(
            ["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": "https://x?a=b"], "cognigy.tenants.default.baseUrl",
            "holds a query"),
    ]

    static let between: [WrongConfiguration] = [
        .init("lease: {expiry: 30s}", "lease.expiry", "is not more than twice lease.renew (15s)"),
        .init("job: {pollMax: 1s}", "job.pollMax", "is shorter than job.pollInitial"),
        .init("retry: {max: 500ms}", "retry.max", "is shorter than retry.initial"),
        .init(
            "transfer: {concurrency: 10, memoryBudget: 99MiB, partSize: 5MiB, maxArtifactBytes: 1GiB}",
            "transfer.memoryBudget", "cannot hold two parts of 5MiB for each of 10 transfers"),
        .init("transfer: {partSize: 13MiB}", "transfer.partSize", "is more than transfer.memoryBudget"),
        .init("transfer: {maxArtifactBytes: 118GiB}", "transfer.maxArtifactBytes", "is more than 10,000 parts"),
        .init("http: {host: 0.0.0.0}", "http.token", "is missing while http.host is 0.0.0.0"),
        .init("s3: {encryption: \"aws:kms\"}", "s3.kmsKeyId", "is missing while s3.encryption is aws:kms"),
        .init("s3: {kmsKeyId: k}", "s3.kmsKeyId", "is given while s3.encryption is AES256"),
        .init("s3: {kmsKeyId: k, encryption: none}", "s3.kmsKeyId", "is given while s3.encryption is none"),
        .init("s3: {keyTemplate: \"state/{exportId}\"}", "s3.keyTemplate", "puts artifacts under state/"),
        .init("audit: {s3: {prefix: state/audit/}}", "audit.s3.prefix", "lie one in the other"),
        .init("audit: {s3: {prefix: \"\"}}", "audit.s3.prefix", "audit records would go nowhere"),
        .init(
            "audit: {file: /tmp/a, s3: {prefix: \"\", retention: \"compliance:1d\"}}", "audit.s3.retention",
            "is given while audit.s3.prefix is empty"),
        .init("amqp: {tls: {keyFile: /dev/null}}", "amqp.tls.certFile", "only work together"),
        .init(
            "amqp: {url: \"amqp://u:p@h\", passwordFile: /dev/null}", "amqp.passwordFile",
            "is given together with a password in amqp.url"),
        .init("amqp: {url: \"amqp://u@h\", username: v}", "amqp.username", "another user in amqp.url"),
        .init("amqp: {dead: {queue: nlu.export.commands}}", "amqp.dead.queue", "shares the queue nlu.export.commands"),
        .init("amqp: {events: {archiveQueue: nlu.export.dead}}", "amqp.dead.queue", "shares the queue nlu.export.dead"),
        .init("amqp: {dead: {exchange: nlu.export.events}}", "amqp.dead.exchange", "for two purposes"),
        .init(["NLU_EXPORT_S3_BUCKET": ""], "s3.bucket", "is not set"),
        .init(["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL": ""], "cognigy.tenants.default.baseUrl", "is not set"),
        .init(["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_ID": ""], "cognigy.tenants.default.clientId", "is not set"),
        .init(
            ["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET": ""], "cognigy.tenants.default.clientSecret",
            "is not set"),
        .init(
            ["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET_FILE": "/dev/null"],
            "cognigy.tenants.default.clientSecretFile", "is given together with cognigy.tenants.default.clientSecret"),
        .init("cognigy: {tenants: {default: {api: v2}}}", "cognigy.tenants.default.api", "is not supported yet"),
        .init("http: {token: t, tokenFile: /dev/null}", "http.tokenFile", "is given together with http.token"),
        .init("s3: {caFile: /nowhere/ca.pem}", "s3.caFile", "cannot be read: No such file"),
        .init("amqp: {passwordFile: /nowhere/pw}", "amqp.passwordFile", "cannot be read: No such file"),
    ]

    static let unknown: [WrongConfiguration] = [
        .init("amqp: {heartbeet: 15s}", "amqp.heartbeet", "is no setting"),
        .init("heartbeat: 15s", "heartbeat", "is no setting"),
        .init("nonsense: {a: {b: 1}}", "nonsense.a.b", "is no setting"),
        .init("amqp: 5", "amqp", "is a section and takes keys"),
        .init("amqp: {heartbeat: {seconds: 15}}", "amqp.heartbeat.seconds", "lies below amqp.heartbeat"),
        .init("cognigy: {tenants: {default: {baseURL: x}}}", "cognigy.tenants.default.baseURL", "is no setting"),
        .init("cognigy: {tenants: {default: x}}", "cognigy.tenants.default", "is a section and takes keys"),
    ]

    @Test(arguments: types + between + unknown)
    func namesTheOneProblem(_ wrong: WrongConfiguration) throws {
        let report = try Sample.inspect(wrong.yaml, wrong.variables)
        let problem = try #require(report.problems.first)
        #expect(problem.key == wrong.key)
        #expect(problem.description.contains(wrong.complaint), "\(problem)")
        #expect(!problem.remedy.isEmpty)
        #expect(report.problems.count == 1, "\(report.problems)")
        #expect(throws: ConfigurationError.self) { try report.validated() }
    }

    static let suggestions = [
        ("amqp: {heartbeet: 15s}", "Did you mean amqp.heartbeat?"),
        ("amqp: {pre_fetch: 1}", "Did you mean amqp.prefetch?"),
        ("heartbeat: 15s", "Did you mean amqp.heartbeat?"),
        ("S3: {Bucket: x}", "Did you mean s3.bucket?"),
        ("cognigy: {tenants: {default: {baseURL: x}}}", "Did you mean cognigy.tenants.default.baseUrl?"),
        ("nonsense: 1", "Remove it"),
    ]

    @Test(arguments: suggestions)
    func suggestsWhatWasMeant(yaml: String, remedy: String) throws {
        #expect(try #require(Sample.inspect(yaml).problems.first).remedy.hasPrefix(remedy))
    }

    @Test func tellsAllProblemsAtOnceWithTheirPlaces() throws {
        let report = try Sample.inspect(
            "amqp:\n  prefetch: 0\n\nlog:\n  level: loud\n", ["NLU_EXPORT_LEASE_RENEW": "1ms"])
        #expect(report.problems.map(\.key) == ["amqp.prefetch", "lease.renew", "log.level"])
        #expect(
            report.problems.map(\.origin) == [
                .file(path: "worker.yaml", line: 2), .environment(variable: "NLU_EXPORT_LEASE_RENEW"),
                .file(path: "worker.yaml", line: 5),
            ])
        let text = ConfigurationError(code: .settings, problems: report.problems).description
        #expect(
            text.hasPrefix("the configuration has 3 problems:\n  amqp.prefetch \"0\" is out of range (worker.yaml:2)."))
        #expect(text.contains("lease.renew \"1ms\" is out of range (NLU_EXPORT_LEASE_RENEW). Allowed: 200ms to 1h."))
    }

    @Test func aMissingSettingNamesItsVariable() throws {
        let problem = try #require(Sample.inspect("", ["NLU_EXPORT_S3_BUCKET": ""]).problems.first)
        #expect(problem.description.hasSuffix("Its variable is NLU_EXPORT_S3_BUCKET."))
    }

    @Test func tenantsThatShareVariablesAreRefused() throws {
        let report = try Sample.inspect("cognigy: {tenantNames: [acme-eu, acme_eu]}", needs: .broker)
        #expect(report.problems.first { $0.complaint.contains("acme-eu and acme_eu") }?.key == "cognigy.tenantNames")
    }

    @Test func severalTenantsNeedTheTenantInTheKey() throws {
        let yaml = "cognigy: {tenantNames: [a, b]}"
        let without = try Sample.inspect(yaml, needs: .store)
        #expect(without.problems.map(\.key) == ["s3.keyTemplate"])
        let with = try Sample.inspect(
            yaml, ["NLU_EXPORT_S3_KEY_TEMPLATE": "x/{tenant}/{modelId}/{exportId}"], needs: .store)
        #expect(with.problems.isEmpty)
    }
}
