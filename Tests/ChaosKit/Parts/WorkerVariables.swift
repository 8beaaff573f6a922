// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The configuration of the workers, as environment variables: short times, much patience.
struct WorkerVariables: Sendable {
    let servers: ChaosServers
    let names: ChaosNames
    let options: ChaosOptions
    let tenant: (id: String, secret: String)

    /// Of a worker behind its links.
    func variables(links: WorkerLinks, auditFile: String) -> [String: String] {
        var variables = common
        variables["NLU_EXPORT_AMQP_URL"] = ChaosServers.moved(servers.brokerURL, to: links.port(.broker))
        variables["NLU_EXPORT_S3_ENDPOINT"] = "http://127.0.0.1:\(links.port(.store))"
        variables["NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_BASE_URL"] = "http://127.0.0.1:\(links.port(.tenant))"
        variables["NLU_EXPORT_AUDIT_FILE"] = auditFile
        return variables
    }

    private var common: [String: String] {
        var variables = [
            "NLU_EXPORT_AMQP_COMMANDS_QUEUES": names.commands, "NLU_EXPORT_AMQP_COMMANDS_EXCHANGE": names.commands,
            "NLU_EXPORT_AMQP_DEAD_EXCHANGE": names.dead, "NLU_EXPORT_AMQP_DEAD_QUEUE": names.dead,
            "NLU_EXPORT_AMQP_EVENTS_EXCHANGE": names.events, "NLU_EXPORT_EVENTS_REQUIRE_ROUTE": "true",
            "NLU_EXPORT_AMQP_PREFETCH": String(options.prefetch),
            "NLU_EXPORT_AMQP_HEARTBEAT": Self.text(ChaosOptions.heartbeat),
            "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_ID": tenant.id,
            "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET": tenant.secret,
            "NLU_EXPORT_S3_BUCKET": names.bucket, "AWS_ACCESS_KEY_ID": servers.accessKey,
            "AWS_SECRET_ACCESS_KEY": servers.secretKey, "AWS_EC2_METADATA_DISABLED": "true",
            "NLU_EXPORT_JOB_POLL_INITIAL": "50ms", "NLU_EXPORT_JOB_POLL_MAX": "500ms",
            "NLU_EXPORT_RETRY_INITIAL": "50ms", "NLU_EXPORT_RETRY_MAX": "500ms",
            "NLU_EXPORT_LEASE_RENEW": Self.text(ChaosOptions.leaseRenewal),
            "NLU_EXPORT_LEASE_EXPIRY": Self.text(ChaosOptions.leaseExpiry),
            "NLU_EXPORT_SHUTDOWN_GRACE": Self.text(ChaosOptions.grace), "NLU_EXPORT_HTTP_PORT": "0",
            "NLU_EXPORT_TRANSFER_STALL_TIMEOUT": "5s", "NLU_EXPORT_TRANSFER_PART_SIZE": "5MiB",
            "NLU_EXPORT_LOG_FORMAT": "json", "NLU_EXPORT_LOG_LEVEL": "info",
        ]
        // How patient a worker is with one command is not what is tried here.
        for (key, value) in [
            ("MAX_ATTEMPTS", "100000"), ("TRIGGER_REPEATS", "1000"), ("TRIGGER_DELAY", "100ms"), ("TRANSFERS", "1000"),
            ("MAX_RUNS", "10"),
        ] { variables["NLU_EXPORT_RETRY_\(key)"] = value }
        let own = ProcessInfo.processInfo.environment
        for name in ["PATH", "HOME", "LD_LIBRARY_PATH"] { variables[name] = own[name] }
        return variables
    }

    private static func text(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1)))ms" }
}
