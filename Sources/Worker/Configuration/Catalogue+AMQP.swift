// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Catalogue {
    enum AMQP {
        static let rows: [SettingDefinition] = [
            url.definition, username.definition, passwordFile.definition, caFile.definition, certFile.definition,
            keyFile.definition, heartbeat.definition, prefetch.definition, maxCommandBytes.definition,
            deliveryLimit.definition, consumerTimeout.definition, declare.definition, commandQueues.definition,
            commandExchange.definition, deadExchange.definition, deadQueue.definition,
            deadAssumeConfigured.definition, eventsExchange.definition, eventsArchiveQueue.definition,
            managementURL.definition,
        ]

        static let url = SettingKey.secretList(
            "amqp.url", "amqp://guest:guest@127.0.0.1:5672/%2f", .brokerURL, display: URLDisplay.redacted,
            "Broker URLs, amqps:// for TLS. Several (a list, or separated by commas) are tried in random order.")
        static let username = SettingKey.optionalText(
            "amqp.username", .words(), example: "nlu-export-worker", "Instead of the user name in amqp.url."
        )
        .instead(of: "amqp.url")
        static let passwordFile = SettingKey.optionalText(
            "amqp.passwordFile", .path, example: "/run/secrets/amqp-password",
            "Instead of the password in amqp.url: a file that holds it alone; read again when it changes."
        )
        .instead(of: "amqp.url")
        static let caFile = SettingKey.optionalText(
            "amqp.tls.caFile", .path, example: "/etc/ssl/certs/ca-certificates.crt",
            "PEM file of the authorities that may vouch for the broker; the system's when left out.")
        static let certFile = SettingKey.optionalText(
            "amqp.tls.certFile", .path, example: "/etc/nlu-export-worker/client.pem",
            "PEM file of the client certificate; needs amqp.tls.keyFile.")
        static let keyFile = SettingKey.optionalText(
            "amqp.tls.keyFile", .path, example: "/etc/nlu-export-worker/client.key",
            "PEM file of the client certificate's key.")
        static let heartbeat = SettingKey.duration(
            "amqp.heartbeat", .seconds(15), .seconds(1)...Bound.minute * 10, orZero: true,
            "How often both sides of a broker connection prove that they are there; 0s for never.")
        static let prefetch = SettingKey.integer(
            "amqp.prefetch", 16, 1...65_535, "Commands in flight at once, for each queue.")
        static let maxCommandBytes = SettingKey.size(
            "amqp.maxCommandBytes", 64 * Bound.kibibyte, Bound.kibibyte...16 * Bound.mebibyte,
            "Commands larger than this are dropped as they arrive, and rejected.")
        static let deliveryLimit = SettingKey.integer(
            "amqp.deliveryLimit", 1000, 20...1_000_000,
            "How often the broker delivers one command before it dead-letters it by itself (x-delivery-limit).")
        static let consumerTimeout = SettingKey.duration(
            "amqp.consumerTimeout", Bound.minute * 30, .seconds(125)...Bound.day * 30,
            "The broker's delivery acknowledgement timeout; the worker lets a delivery go two minutes before it.")
        static let declare = SettingKey.boolean(
            "amqp.declare", true, "Whether exchanges and queues are declared; false: only looked for.")
        static let commandQueues = SettingKey.list(
            "amqp.commands.queues", ["nlu.export.commands"], .brokerName,
            "The queues that are consumed, each with a prefetch of its own.")
        static let commandExchange = SettingKey.text(
            "amqp.commands.exchange", "nlu.export.commands", .brokerName,
            "The direct exchange that commands are published to, with the queue's name as routing key.")
        static let deadExchange = SettingKey.text(
            "amqp.dead.exchange", "nlu.export.dead", .brokerName, "The fanout exchange of rejected commands.")
        static let deadQueue = SettingKey.text(
            "amqp.dead.queue", "nlu.export.dead", .brokerName, "The queue of rejected commands.")
        static let deadAssumeConfigured = SettingKey.boolean(
            "amqp.dead.assumeConfigured", false,
            "With amqp.declare false: you vouch that rejected commands of every queue go to a dead-letter queue.")
        static let eventsExchange = SettingKey.text(
            "amqp.events.exchange", "nlu.export.events", .brokerName, "The topic exchange of events.")
        static let eventsArchiveQueue = SettingKey.optionalText(
            "amqp.events.archiveQueue", .brokerName, example: "nlu.export.events.archive",
            "A queue that keeps a bounded copy of all events; none when left out.")
        static let managementURL = SettingKey.secret(
            "amqp.management.url", .url(["http", "https"], allowsAccount: true),
            example: "http://guest:guest@127.0.0.1:15672", display: URLDisplay.redacted,
            "The broker's management API, where queue arguments can be looked at; not used when left out.")
    }
}
