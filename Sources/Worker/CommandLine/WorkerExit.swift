// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How the process ends, by the codes of sysexits.
package enum WorkerExit: Int32, Sendable, Hashable, CaseIterable, Error {
    case success = 0
    case usage = 64
    case commandFailed = 65
    case unavailable = 69
    case `internal` = 70
    case undecided = 75
    case refused = 77
    case configuration = 78

    /// What the code tells, for the help of every command.
    package var meaning: String {
        switch self {
        case .success: "done"
        case .usage: "the command line is wrong"
        case .commandFailed: "the export command failed for good"
        case .unavailable: "a dependency (broker, tenant, store) is not there"
        case .internal: "an internal error; please report it"
        case .undecided: "not decided in time; try again"
        case .refused: "a dependency refused the credentials"
        case .configuration: "the configuration is wrong"
        }
    }
}

/// How a command writes its result on standard output.
package enum OutputFormat: String, Sendable, Hashable, CaseIterable {
    case text, json
}

/// What is to be exported: the fields of an export command, from options or from a line of a file.
package struct Submission: Sendable, Hashable {
    package var modelID: String
    package var version: String
    /// Nil: the tenant's default, ONNX.
    package var format: String?
    /// Nil: the worker's default tenant.
    package var tenant: String?
    /// Nil: one is made.
    package var commandID: String?
    package var metadata: [String: String]
    /// The queue to publish to, one of `amqp.commands.queues`; nil: the first of them.
    package var queue: String?

    package init(
        modelID: String, version: String, format: String? = nil, tenant: String? = nil, commandID: String? = nil,
        metadata: [String: String] = [:], queue: String? = nil
    ) {
        self.modelID = modelID
        self.version = version
        self.format = format
        self.tenant = tenant
        self.commandID = commandID
        self.metadata = metadata
        self.queue = queue
    }
}

/// That `submit` waits for the outcome, and for how long.
package struct WaitOptions: Sendable, Hashable {
    /// Nil: until all are decided.
    package var timeout: Duration?

    package init(timeout: Duration? = nil) { self.timeout = timeout }
}
