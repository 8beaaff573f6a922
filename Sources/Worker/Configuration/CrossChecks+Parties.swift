// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension CrossChecks {
    static let brokerRules: [Rule] = [
        Rule(["amqp.passwordFile", "amqp.url"]) { settings in
            let hasPassword = given(settings.amqp.urls).contains { $0.password != nil }
            return settings.amqp.password != nil && hasPassword
                ? InvalidSetting(
                    "is given together with a password in amqp.url", "Keep one of the two.") : nil
        },
        Rule(["amqp.username", "amqp.url"]) { settings in
            guard let name = settings.amqp.username else { return nil }
            return given(settings.amqp.urls).contains { $0.user != nil && $0.user != name }
                ? InvalidSetting(
                    "is given together with another user in amqp.url", "Keep one of the two.") : nil
        },
        Rule(["amqp.tls.certFile", "amqp.tls.keyFile"]) { settings in
            (settings.amqp.tls.certFile == nil) == (settings.amqp.tls.keyFile == nil)
                ? nil
                : InvalidSetting(
                    "and amqp.tls.keyFile only work together", "Give both or neither.")
        },
        Rule(["amqp.dead.queue", "amqp.commands.queues", "amqp.events.archiveQueue"]) { settings in
            let queues = settings.amqp.commandQueues + [settings.amqp.deadQueue]
            return (queues + (settings.amqp.eventsArchiveQueue.map { [$0] } ?? [])).firstDuplicate.map {
                InvalidSetting(
                    "shares the queue \($0) with amqp.commands.queues or amqp.events.archiveQueue",
                    "Give each purpose a queue of its own.")
            }
        },
        Rule(["amqp.dead.exchange", "amqp.commands.exchange", "amqp.events.exchange"]) { settings in
            let exchanges = [settings.amqp.commandExchange, settings.amqp.deadExchange, settings.amqp.eventsExchange]
            return exchanges.firstDuplicate.map {
                InvalidSetting(
                    "would need the exchange \($0) for two purposes of different kinds",
                    "Give commands, dead letters and events an exchange each.")
            }
        },
    ]

    static let storageRules: [Rule] = [
        Rule(["s3.bucket"], .store) { settings in
            settings.s3.bucket.isEmpty ? InvalidSetting("is not set", "Name the bucket that artifacts go to.") : nil
        },
        Rule(["s3.kmsKeyId", "s3.encryption"]) { settings in
            switch (settings.s3.encryption, settings.s3.kmsKeyID) {
            case (.kms, nil):
                InvalidSetting("is missing while s3.encryption is aws:kms", "Name the key, or use AES256.")
            case (.aes256, .some), (.none, .some):
                InvalidSetting(
                    "is given while s3.encryption is \(settings.s3.encryption.rawValue)",
                    "Set s3.encryption to aws:kms, or leave the key out.")
            default: nil
            }
        },
        Rule(["s3.keyTemplate", "cognigy.tenantNames"]) { settings in
            let names = KeyTemplateRule.names(in: settings.s3.keyTemplate) ?? []
            return settings.tenants.count > 1 && !names.contains("tenant")
                ? InvalidSetting(
                    "lacks {tenant} while there are \(settings.tenants.count) tenants",
                    "Put {tenant} into it, so that equal ids of two tenants do not meet.") : nil
        },
        Rule(["s3.keyTemplate", "s3.statePrefix", "audit.s3.prefix"]) { settings in
            let literal = KeyTemplateRule.literalPrefix(of: settings.s3.keyTemplate)
            return [settings.s3.statePrefix, settings.audit.prefix].compactMap(\.self).first { literal.hasPrefix($0) }
                .map {
                    InvalidSetting(
                        "puts artifacts under \($0), which is kept for other records",
                        "Begin it with another folder.")
                }
        },
        Rule(["audit.s3.prefix", "s3.statePrefix"]) { settings in
            guard let audit = settings.audit.prefix else { return nil }
            let state = settings.s3.statePrefix
            return audit.hasPrefix(state) || state.hasPrefix(audit)
                ? InvalidSetting(
                    "and s3.statePrefix (\(state)) lie one in the other", "Give each a folder of its own.") : nil
        },
        Rule(["audit.s3.prefix", "audit.file"], .store) { settings in
            settings.audit.prefix == nil && settings.audit.file == nil
                ? InvalidSetting(
                    "is empty and audit.file is not set, so audit records would go nowhere",
                    "Set at least one of the two.") : nil
        },
        Rule(["audit.s3.retention", "audit.s3.prefix"]) { settings in
            settings.audit.retention != nil && settings.audit.prefix == nil
                ? InvalidSetting(
                    "is given while audit.s3.prefix is empty", "Set the prefix, or leave the retention out.") : nil
        },
    ]

    /// The URLs that somebody wrote; the built-in one and its password do not count.
    private static func given(_ urls: [Secret]) -> [URLText] {
        urls == Catalogue.AMQP.url.fallback ? [] : urls.compactMap { URLText($0.reveal()) }
    }
}
