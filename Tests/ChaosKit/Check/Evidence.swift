// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import CognigySimulator

/// Everything that is there when a run is over.
package struct Evidence: Sendable {
    /// An object under the artifacts' prefix, read back.
    package struct StoredObject: Sendable, Hashable {
        package var key: String
        package var size: Int
        package var sha256: String
        package var commandID: String?
        package var isEncrypted: Bool

        package init(key: String, size: Int, sha256: String, commandID: String?, isEncrypted: Bool = true) {
            self.key = key
            self.size = size
            self.sha256 = sha256
            self.commandID = commandID
            self.isEncrypted = isEncrypted
        }
    }

    /// A checkpoint.
    package struct Checkpoint: Sendable, Hashable, Decodable {
        package struct Upload: Sendable, Hashable, Decodable {
            package let uploadId: String
        }

        package var commandId: String
        package var runId: String
        package var stage: String
        package var runs: Int
        package var jobId: String?
        package var upload: Upload?

        package init(
            commandId: String, runId: String, stage: String = "decided", runs: Int = 1, jobId: String?,
            upload: Upload? = nil
        ) {
            self.commandId = commandId
            self.runId = runId
            self.stage = stage
            self.runs = runs
            self.jobId = jobId
            self.upload = upload
        }
    }

    /// An event as it came from the exchange.
    package struct Event: Sendable, Hashable {
        package var id: String
        package var routingKey: String
        package var body: [UInt8]
        package var document: EventDocument?

        package init(id: String, routingKey: String, body: [UInt8], document: EventDocument?) {
            self.id = id
            self.routingKey = routingKey
            self.body = body
            self.document = document
        }
    }

    package struct OpenUpload: Sendable, Hashable {
        package var key: String
        package var id: String

        package init(key: String, id: String) {
            self.key = key
            self.id = id
        }
    }

    package var bucket = ""
    package var objects: [StoredObject] = []
    /// Audit records of the bucket.
    package var audits: [AuditDocument] = []
    /// Record ids in the audit files, by record; torn lines are none.
    package var fileRecords: [String: Int] = [:]
    package var checkpoints: [Checkpoint] = []
    /// Keys whose content could not be read as what it should be.
    package var unreadable: [String] = []
    package var uploads: [OpenUpload] = []
    /// Upload ids that were in a checkpoint at some time.
    package var writtenUploads: Set<String> = []
    package var events: [Event] = []
    /// Bodies of the dead letters.
    package var dead: [String] = []
    /// Messages left in the command queue.
    package var left = 0
    package var triggers: [TriggerRecord] = []
    package var jobs: [JobRecord] = []
    package var leaks = 0
    package var log = LogSummary()
    /// What happened to the workers that nothing accounts for.
    package var incidents: [String] = []

    package init() {}
}

/// An audit record as far as it is checked.
package struct AuditDocument: Sendable, Hashable, Decodable {
    package struct Metrics: Sendable, Hashable, Decodable {
        package var artifactSizeBytes: Int?
        package var artifactSha256: String?
        package var storageDestination: String?

        enum CodingKeys: String, CodingKey {
            case artifactSizeBytes = "artifact_size_bytes"
            case artifactSha256 = "artifact_sha256"
            case storageDestination = "storage_destination"
        }

        package init(size: Int?, sha256: String?, destination: String?) {
            artifactSizeBytes = size
            artifactSha256 = sha256
            storageDestination = destination
        }
    }

    package struct Problem: Sendable, Hashable, Decodable {
        package var code: String
        package var message: String
    }

    package var recordID: String
    package var commandID: String?
    package var jobID: String?
    package var outcome: String
    package var metrics: Metrics
    package var error: Problem?

    enum CodingKeys: String, CodingKey {
        case recordID = "record_id"
        case commandID = "command_id"
        case jobID = "job_id"
        case outcome, metrics, error
    }

    package init(recordID: String, commandID: String?, jobID: String?, outcome: String, metrics: Metrics) {
        self.recordID = recordID
        self.commandID = commandID
        self.jobID = jobID
        self.outcome = outcome
        self.metrics = metrics
    }
}

/// An event's body as far as it is checked.
package struct EventDocument: Sendable, Hashable, Decodable {
    package struct Content: Sendable, Hashable, Decodable {
        package var commandId: String?
        package var jobId: String?
        package var storageLocation: String?
        package var artifactSha256: String?
        package var status: String?

        package init(
            commandId: String?, jobId: String?, storageLocation: String?, artifactSha256: String?, status: String?
        ) {
            self.commandId = commandId
            self.jobId = jobId
            self.storageLocation = storageLocation
            self.artifactSha256 = artifactSha256
            self.status = status
        }
    }

    package var event: String
    package var data: Content

    package init(event: String, data: Content) {
        self.event = event
        self.data = data
    }
}
