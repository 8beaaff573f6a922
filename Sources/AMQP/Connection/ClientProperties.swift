// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ

/// What this client says about itself at login; shown on the broker's connection page.
enum ClientProperties {
    /// librabbitmq's own login announces only the last two; without the others the broker sends neither
    /// connection.blocked nor basic.cancel.
    private static let capabilities = [
        "connection.blocked", "consumer_cancel_notify", "publisher_confirms", "basic.nack",
        "authentication_failure_close", "exchange_exchange_bindings",
    ]

    static func table(_ configuration: AMQPConnectionConfiguration) -> AMQPTable {
        var table: AMQPTable = [
            "product": "nlu-export-worker",
            "version": "0",
            "platform": .string("Swift, librabbitmq \(unsafe String(cString: amqp_version()))"),
        ]
        for (key, value) in configuration.clientProperties.sorted(by: { $0.key < $1.key }) {
            table[key] = .string(value)
        }
        table["connection_name"] = .string(configuration.connectionName)
        table["capabilities"] = .table(AMQPTable(capabilities.map { AMQPTable.Entry(key: $0, value: true) }))
        return table
    }
}
