// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Every setting there is. Reading, the search for unknown keys, `config`, its help and `config/worker.yaml` follow
/// from these rows; the rows of a section are in the file of that section.
package enum Catalogue {
    /// All rows, in the order in which they are shown.
    package static let definitions: [SettingDefinition] =
        AMQP.rows + Cognigy.rows + Work.rows + Transfer.rows + Storage.rows + Audit.rows + Operation.rows

    /// What `config/worker.yaml` says above each first-level key.
    static let sections: [(name: String, summary: String)] = [
        ("amqp", "The broker: where commands come from and events go to."),
        ("cognigy", "The tenants that models are exported from."),
        ("validate", "Before an export: the check of the model version."),
        ("job", "While the tenant exports: how the job is followed."),
        ("retry", "How often, and for how long, something is tried again."),
        ("lease", "How workers notice that another one has died."),
        ("health", "When a fault counts as one of the surroundings and not of a command."),
        ("transfer", "From the tenant's download to the bucket."),
        ("s3", "The object store. Credentials come from the usual chain (AWS_ACCESS_KEY_ID, profiles, roles)."),
        ("audit", "Where audit records go; at least one of file and bucket."),
        ("events", "What is announced on the events exchange."),
        ("http", "The operations endpoint: /live, /ready, /metrics, /exports."),
        ("shutdown", "The end of the process."),
        ("log", "Log lines on standard error."),
    ]

    /// Bounds that several rows share.
    enum Bound {
        static let kibibyte = 1 << 10
        static let mebibyte = 1 << 20
        static let gibibyte = 1 << 30
        static let minute = Duration.seconds(60)
        static let hour = Duration.seconds(3600)
        static let day = Duration.seconds(86_400)
    }
}
