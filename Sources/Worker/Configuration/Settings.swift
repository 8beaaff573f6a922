// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The effective configuration, checked: what each value means and allows is in `Catalogue`.
package struct Settings: Sendable, Hashable {
    package var amqp: AMQP
    /// In the order of `cognigy.tenantNames`.
    package var tenants: [Tenant]
    /// `validate.trainingWait`; zero: a model in training is not waited for.
    package var trainingWait: Duration
    package var job: Job
    package var retry: Retry
    package var lease: Lease
    /// `health.suspectAfter`: like refusals in a row that make a tenant suspect.
    package var suspectAfter: Int
    package var transfer: Transfer
    package var s3: S3
    package var audit: Audit
    package var events: Events
    package var http: HTTP
    /// `shutdown.grace`: how long transfers may go on after SIGTERM.
    package var shutdownGrace: Duration
    package var log: Log

    /// `job.*`: following a tenant's export job.
    package struct Job: Sendable, Hashable {
        package var pollInitial: Duration
        package var pollMax: Duration
        package var deadline: Duration
    }

    /// `retry.*`.
    package struct Retry: Sendable, Hashable {
        package var initial: Duration
        package var max: Duration
        package var holdFor: Duration
        package var maxAttempts: Int
        package var maxRuns: Int
        package var triggerRepeats: Int
        package var triggerDelay: Duration
        package var transfers: Int
    }

    /// `lease.*`.
    package struct Lease: Sendable, Hashable {
        package var renew: Duration
        package var expiry: Duration
    }

    /// `transfer.*`; sizes in bytes.
    package struct Transfer: Sendable, Hashable {
        package var partSize: Int
        package var concurrency: Int
        package var memoryBudget: Int
        package var stallTimeout: Duration
        package var maxArtifactBytes: Int

        /// The size that a part may grow to, in bytes: memoryBudget / (2 × concurrency), and S3's 5 GiB.
        package var largestPart: Int { min(memoryBudget / (2 * concurrency), 5 << 30) }
    }

    /// `events.*`.
    package struct Events: Sendable, Hashable {
        package var progress: Bool
        package var requireRoute: Bool
        package var source: String
    }

    /// `http.*`: the operations endpoint.
    package struct HTTP: Sendable, Hashable {
        package var host: String
        /// 0: no endpoint.
        package var port: Int
        package var token: SecretSource?

        package var isLoopback: Bool { URLText.isLoopback(host) }
    }

    /// `log.*`.
    package struct Log: Sendable, Hashable {
        package enum Level: String, Sendable, Hashable, CaseIterable {
            case trace, debug, info, notice, warning, error, critical
        }

        package enum Format: String, Sendable, Hashable, CaseIterable { case auto, json, text }

        package var level: Level
        package var format: Format

        package init(level: Level, format: Format) {
            self.level = level
            self.format = format
        }
    }
}
