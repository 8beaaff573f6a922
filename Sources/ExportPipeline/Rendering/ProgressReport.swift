// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

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
