// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Settings {
    /// `amqp.*`.
    package struct AMQP: Sendable, Hashable {
        /// Each one URL with its password, if it holds one; to be tried in random order.
        package var urls: [Secret]
        /// In place of the user name in the URLs.
        package var username: String?
        /// In place of the password in the URLs; always a file.
        package var password: SecretSource?
        package var tls: TLS
        /// Zero: no heartbeat.
        package var heartbeat: Duration
        package var prefetch: Int
        package var maxCommandBytes: Int
        package var deliveryLimit: Int
        package var consumerTimeout: Duration
        package var declare: Bool
        package var commandQueues: [String]
        package var commandExchange: String
        package var deadExchange: String
        package var deadQueue: String
        package var deadAssumeConfigured: Bool
        package var eventsExchange: String
        package var eventsArchiveQueue: String?
        /// May hold user and password.
        package var managementURL: Secret?

        /// Files in PEM form.
        package struct TLS: Sendable, Hashable {
            package var caFile: String?
            package var certFile: String?
            package var keyFile: String?
        }
    }

    /// `cognigy.tenants.<name>.*`.
    package struct Tenant: Sendable, Hashable {
        package enum API: String, Sendable, Hashable, CaseIterable { case v1, v2 }

        package var name: String
        package var api: API
        /// Absolute, without a slash at its end. Empty where the command needs no tenant and none is configured.
        package var baseURL: String
        package var clientID: String?
        package var clientSecret: SecretSource?
        package var tokenPath: String
        package var scope: String?
        package var apiKey: SecretSource?
        package var caFile: String?
        package var downloadHosts: [String]
        /// Nil: no limit.
        package var maxRequestsPerMinute: Int?
    }

    /// `s3.*`.
    package struct S3: Sendable, Hashable {
        package enum Addressing: String, Sendable, Hashable, CaseIterable { case auto, path, virtual }

        package enum Encryption: String, Sendable, Hashable, CaseIterable {
            case aes256 = "AES256"
            case kms = "aws:kms"
            case none
        }

        /// Empty where the command needs no bucket and none is configured.
        package var bucket: String
        package var region: String
        /// Scheme, host and port, without a slash at its end; nil: AWS's endpoint of the region.
        package var endpoint: String?
        package var addressing: Addressing
        package var caFile: String?
        package var encryption: Encryption
        package var kmsKeyID: String?
        package var bucketKey: Bool
        /// Literal text and placeholders of `KeyTemplateRule.placeholders` in braces, `{exportId}` among them.
        package var keyTemplate: String
        /// Ends in `/`.
        package var statePrefix: String
        package var conditionalWrites: Bool
    }

    /// `audit.*`; at least one of `file` and `prefix` is there.
    package struct Audit: Sendable, Hashable {
        /// Object Lock on the records in the bucket.
        package struct Retention: Sendable, Hashable {
            package enum Mode: String, Sendable, Hashable, CaseIterable { case governance, compliance }

            package var mode: Mode
            package var days: Int
        }

        package var file: String?
        /// Ends in `/`; nil: no records in the bucket.
        package var prefix: String?
        package var retention: Retention?
        package var actor: String
    }

    /// The tenant of that name.
    package func tenant(named name: String) -> Tenant? { tenants.first { $0.name == name } }
}
