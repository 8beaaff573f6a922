// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The state of one run, kept as one document of the state store and changed by conditional writes alone.
///
/// Each arrow of `claimed → triggered → decided` is one such write. The document says who owns the run (`owner`), which
/// attempt at ownership that is (`epoch`), and which write it was (`nonce`), so that a worker whose answer was lost can
/// tell its own write from another worker's.
package struct Checkpoint: Sendable, Hashable {
    /// The schema this worker writes; a document with a higher one was written by a newer worker and is left alone.
    package static let currentSchema = 1

    package enum Stage: String, Sendable, Hashable, Decodable {
        case claimed, triggered, decided
    }

    package var schema = Checkpoint.currentSchema
    package var commandID: String
    package var tenant: String
    package var fingerprint: String
    /// Minted at the claim; the idempotency key of the trigger and the root of every id of this run.
    package var runID: String
    /// Grows by one whenever ownership changes hands or a new run begins.
    package var epoch: Int
    /// The owning worker instance, or nil once it released the run.
    package var owner: String?
    /// Fresh for every write.
    package var nonce: String
    package var messageToken: String
    package var stage: Stage
    /// How many runs this command has had since it was first (or anew) asked for, this one included.
    package var runs: Int
    /// Failed attempts in a row without progress, carried over a release.
    package var attempts: Int
    /// When this run was claimed, by the claimer's clock; only durations shown to people are computed from it.
    package var claimedAt: Timestamp
    package var job: ExportJob?
    /// How much of `job.deadline` was used up when this was written, in seconds.
    package var jobSeconds: Double
    /// A multipart upload that may be unfinished, and the key it is for.
    package var upload: Upload?
    /// The version (S3: the entity tag) of this run's object that did not verify: the next transfer replaces it. It is
    /// never deleted: a deletion that comes late, from an owner that slept or off a slow line, would take the object that
    /// came after it.
    package var replaces: String?
    @Boxed package var outcome: Outcome?

    package struct Upload: Sendable, Hashable, Decodable {
        package let key: String
        package let uploadID: String

        package init(key: String, uploadID: String) {
            self.key = key
            self.uploadID = uploadID
        }

        enum CodingKeys: String, CodingKey {
            case key
            case uploadID = "uploadId"
        }
    }

    package init(
        commandID: String, tenant: String, fingerprint: String, runID: String, epoch: Int, owner: String?,
        nonce: String, messageToken: String, stage: Stage = .claimed, runs: Int = 1, attempts: Int = 0,
        claimedAt: Timestamp, job: ExportJob? = nil, jobSeconds: Double = 0, upload: Upload? = nil,
        outcome: Outcome? = nil
    ) {
        self.commandID = commandID
        self.tenant = tenant
        self.fingerprint = fingerprint
        self.runID = runID
        self.epoch = epoch
        self.owner = owner
        self.nonce = nonce
        self.messageToken = messageToken
        self.stage = stage
        self.runs = runs
        self.attempts = attempts
        self.claimedAt = claimedAt
        self.job = job
        self.jobSeconds = jobSeconds
        self.upload = upload
        self.outcome = outcome
    }
}

extension Checkpoint: Decodable {
    enum CodingKeys: String, CodingKey {
        case schema
        case commandID = "commandId"
        case tenant, fingerprint
        case runID = "runId"
        case epoch, owner, nonce, messageToken, stage, runs, attempts, claimedAt
        case jobID = "jobId"
        case exportID = "exportId"
        case jobSeconds, upload, replaces, outcome
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        schema = try values.decode(Int.self, forKey: .schema)
        commandID = try values.decode(String.self, forKey: .commandID)
        tenant = try values.decode(String.self, forKey: .tenant)
        fingerprint = try values.decode(String.self, forKey: .fingerprint)
        runID = try values.decode(String.self, forKey: .runID)
        epoch = try values.decode(Int.self, forKey: .epoch)
        owner = try values.decodeIfPresent(String.self, forKey: .owner)
        nonce = try values.decode(String.self, forKey: .nonce)
        messageToken = try values.decode(String.self, forKey: .messageToken)
        stage = try values.decode(Stage.self, forKey: .stage)
        runs = try values.decode(Int.self, forKey: .runs)
        attempts = try values.decode(Int.self, forKey: .attempts)
        claimedAt = try values.decode(Timestamp.self, forKey: .claimedAt)
        let jobID = try values.decodeIfPresent(String.self, forKey: .jobID)
        let exportID = try values.decodeIfPresent(String.self, forKey: .exportID)
        job = jobID.flatMap { jobID in exportID.map { ExportJob(jobID: jobID, exportID: $0) } }
        let seconds = try values.decodeIfPresent(Double.self, forKey: .jobSeconds)
        jobSeconds = job == nil ? 0 : seconds ?? 0
        upload = try values.decodeIfPresent(Upload.self, forKey: .upload)
        replaces = try values.decodeIfPresent(String.self, forKey: .replaces)
        outcome = try values.decodeIfPresent(Outcome.self, forKey: .outcome)
    }
}
