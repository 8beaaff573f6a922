// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The metadata keys of this module's log lines.
enum LogKey {
    static let broker = "amqp.broker"
    static let error = "amqp.error"
    static let errorCode = "amqp.error.code"
    static let queue = "amqp.queue"
    static let serverVersion = "amqp.server.version"
}
