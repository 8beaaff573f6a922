// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// An export job.
struct Job: Sendable {
    var id: String
    var exportID: String
    var model: String
    var version: String
    var format: String
    var client: String
    var idempotencyKey: String?
    var metadata: [String: JSONValue]
    /// The how manyth job of its model version, from 1.
    var number: Int
    var createdAt: Moment
    var polls = 0
    var completedPolls = 0
    var downloads = 0

    var record: JobRecord {
        JobRecord(
            jobID: id, exportID: exportID, modelID: model, version: version, format: format,
            idempotencyKey: idempotencyKey, metadata: metadata, number: number,
            createdAt: createdAt.elapsed.inSeconds, polls: polls, downloads: downloads)
    }

    /// Where the job stands: its status and progress in percent.
    func standing(at now: Moment, behaviour: PollBehaviour?, defaultDuration: Duration) -> (String, progress: Int) {
        let duration = behaviour?.duration?.duration ?? defaultDuration
        let elapsed = now.elapsed - createdAt.elapsed
        let isAffected = behaviour?.jobs.map { number <= $0 } ?? true
        let progress = duration <= .zero ? 100 : min(100, Int(elapsed.inSeconds / duration.inSeconds * 100))
        if isAffected, let stuck = behaviour?.stuck {
            return (stuck, stuck == "PENDING" ? 0 : min(progress, 42))
        }
        switch progress {
        case 100: return (isAffected ? behaviour?.outcome ?? "COMPLETED" : "COMPLETED", 100)
        case ..<5: return ("PENDING", 0)
        default: return ("RUNNING", progress)
        }
    }
}
