// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An event about a command, complete but for the exchange it goes to; it is published persistent and mandatory.
package struct ExportEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case completed, failed, started, progress

        /// The routing key, for example `nlu.export.completed`.
        package var routingKey: String { "nlu.export.\(rawValue)" }
        /// The CloudEvents type, for example `com.cognigy.nlu.export.completed`.
        package var cloudEventType: String { "com.cognigy.nlu.export.\(rawValue)" }
        /// The `event` member of the body, for example `nlu_model_export_completed`.
        package var name: String { "nlu_model_export_\(rawValue)" }
    }

    package let kind: Kind
    /// `message_id` and `ce-id`: a UUID that follows from run and kind (and sequence, for progress).
    package let id: String
    /// The command's, where it had one.
    package let correlationID: String?
    /// CloudEvents attributes in binary mode (`ce-*`) and `traceparent` where the command had one.
    package let headers: [String: String]
    package let body: [UInt8]

    package var routingKey: String { kind.routingKey }
    package var messageID: String { id }
    package var contentType: String { "application/json" }

    /// The final event of a decided command: completed or failed.
    package init(rendering outcome: Outcome, source: String = ExportEvent.defaultSource) {
        fatalError()
    }

    /// A started or progress event.
    package init(_ report: ProgressReport, source: String = ExportEvent.defaultSource) {
        fatalError()
    }

    /// `events.source` by default.
    package static let defaultSource = "nlu-export-worker"
}

/// What a run tells about itself before it is decided.
package struct ProgressReport: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case started
        /// The position among the run's progress events, from 1; part of the event's id.
        case progress(sequence: Int)
    }

    package var kind: Kind
    package var runID: String
    package var timestamp: Timestamp
    package var commandID: String
    package var tenant: String
    package var modelID: String
    package var version: String
    package var format: String
    package var stage: Stage
    /// 0 to 100; what lies outside is clamped.
    package var percent: Double
    /// Bytes of the artifact stored so far.
    package var bytes: Int
    package var correlationID: String?
    package var traceparent: String?

    package init(
        kind: Kind, runID: String, timestamp: Timestamp, command: ExportCommand, stage: Stage, percent: Double = 0,
        bytes: Int = 0, correlationID: String? = nil, traceparent: String? = nil
    ) {
        self.kind = kind
        self.runID = runID
        self.timestamp = timestamp
        commandID = command.commandID
        tenant = command.tenant
        modelID = command.modelID
        version = command.version
        format = command.format
        self.stage = stage
        self.percent = percent
        self.bytes = bytes
        self.correlationID = correlationID
        self.traceparent = traceparent
    }
}
