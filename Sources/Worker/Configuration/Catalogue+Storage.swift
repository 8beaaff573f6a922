// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Catalogue {
    enum Transfer {
        static let rows: [SettingDefinition] = [
            partSize.definition, concurrency.definition, memoryBudget.definition, stallTimeout.definition,
            maxArtifactBytes.definition,
        ]

        static let partSize = SettingKey.size(
            "transfer.partSize", 8 * Bound.mebibyte, 5 * Bound.mebibyte...5 * Bound.gibibyte,
            "The size of an upload's parts; it grows for large artifacts, up to memoryBudget / (2 × concurrency).")
        static let concurrency = SettingKey.integer(
            "transfer.concurrency", 4, 1...1000, "Transfers at once; further ones wait.")
        static let memoryBudget = SettingKey.size(
            "transfer.memoryBudget", 96 * Bound.mebibyte, 10 * Bound.mebibyte...1024 * Bound.gibibyte,
            "Memory for all transfers together; at least two parts of 5 MiB for each.")
        static let stallTimeout = SettingKey.duration(
            "transfer.stallTimeout", Bound.minute, .milliseconds(200)...Bound.hour,
            "After how long without a single byte a transfer counts as broken.")
        static let maxArtifactBytes = SettingKey.size(
            "transfer.maxArtifactBytes", 50 * Bound.gibibyte, 1...48 * 1024 * Bound.gibibyte,
            "Larger artifacts are refused; at most 10,000 parts of the largest size that the budget allows.")
    }

    enum Storage {
        static let rows: [SettingDefinition] = [
            bucket.definition, region.definition, endpoint.definition, addressing.definition, caFile.definition,
            encryption.definition, kmsKeyID.definition, bucketKey.definition, keyTemplate.definition,
            statePrefix.definition, conditionalWrites.definition,
        ]

        static let bucket = SettingKey.optionalText(
            "s3.bucket", .bucket, example: "nlu-exports", "The bucket. Required.")
        static let region = SettingKey.text(
            "s3.region", "us-east-1", .words(64), "The region that requests are signed for.")
        static let endpoint = SettingKey.optionalText(
            "s3.endpoint", .url(["https", "http"], allowsPath: false), example: "https://s3.example.com",
            "The store's address; AWS's of the region when left out.")
        static let addressing = SettingKey<Settings.S3.Addressing>.choice(
            "s3.addressing", .auto,
            "The bucket in the path or in the host name; auto: in the host name at AWS, else in the path.")
        static let caFile = SettingKey.optionalText(
            "s3.caFile", .path, example: "/etc/ssl/certs/ca-certificates.crt",
            "PEM file of the authorities that may vouch for the store; the system's when left out.")
        static let encryption = SettingKey<Settings.S3.Encryption>.choice(
            "s3.encryption", .aes256, "The encryption at rest that every object is stored with, and checked for.")
        static let kmsKeyID = SettingKey.optionalText(
            "s3.kmsKeyId", .words(2048), example: "arn:aws:kms:eu-central-1:111122223333:key/example",
            "The key of encryption aws:kms, required with it and refused without."
        )
        .instead(of: "s3.encryption")
        static let bucketKey = SettingKey.boolean(
            "s3.bucketKey", true, "With aws:kms: whether a key of the bucket spares calls to the key service.")
        static let keyTemplate = SettingKey.text(
            "s3.keyTemplate", "nlu-exports/{modelId}/{version}/{exportId}.{extension}", KeyTemplateRule.rule,
            "The key of an artifact. With more than one tenant it needs {tenant}.")
        static let statePrefix = SettingKey.text(
            "s3.statePrefix", "state/", .prefix, "Where the checkpoints of commands and the workers' leases are kept.")
        static let conditionalWrites = SettingKey.boolean(
            "s3.conditionalWrites", true,
            "false for a store without If-Match and If-None-Match: then run one worker only."
        )
    }

    enum Audit {
        static let rows: [SettingDefinition] = [
            file.definition, prefix.definition, retention.definition, actor.definition,
        ]

        static let file = SettingKey.optionalText(
            "audit.file", .path, example: "/var/lib/nlu-export-worker/audit.jsonl",
            "A file that every audit record is appended to as one line; none when left out.")
        static let prefix = SettingKey.optionalText(
            "audit.s3.prefix", default: "audit/", .prefix,
            "Where audit records are kept in the bucket; an empty text switches that off.")
        static let retention = SettingKey.retention(
            "audit.s3.retention", example: "governance:30d",
            "Object Lock on audit records; the bucket must have it enabled. Off when left out.")
        static let actor = SettingKey.text(
            "audit.actor", "automation_service", .words(128), "The actor named in audit records.")
    }
}
