// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

extension TenantState {
    private struct VersionPage: Encodable {
        var modelId: String
        var version: String
        var status: JSONValue?
    }

    private struct ExportRequest: Decodable {
        var modelId: String
        var version: String
        var format: String
        var metadata: [String: JSONValue]?
    }

    private struct ExportAnswer: Encodable {
        var jobId: String
        var exportId: String
        var status = "PENDING"
    }

    /// `GET /api/v1/nlu/models/{modelId}/versions/{version}`
    mutating func versionPage(model: String, version: String, _ call: Call) -> Reply {
        let behaviour = behaviour(for: call.subject).validate
        return play(behaviour?.faults, call) { state, _ in
            let status = state.nextStatus(
                of: behaviour?.steps ?? [.init("TRAINED")], ModelVersion(model: model, version: version), call.now)
            return Reply(.json(200, VersionPage(modelId: model, version: version, status: status)))
        }
    }

    /// The status at this look, which is counted.
    private mutating func nextStatus(
        of steps: [ValidateBehaviour.Step], _ key: ModelVersion, _ now: Moment
    ) -> JSONValue? {
        var (count, first) = looks[key] ?? (0, now.elapsed)
        looks[key] = (count + 1, first)
        for step in steps {
            if let looks = step.looks {
                if count < looks { return step.status }
                count -= max(0, looks)
            } else if let lasts = step.lasts {
                if now.elapsed < first + lasts.duration { return step.status }
                first += lasts.duration
            } else {
                return step.status
            }
        }
        return steps.last?.status
    }

    /// `POST /api/v1/nlu/models/{modelId}/exports`
    mutating func export(model: String, _ call: Call) -> Reply {
        let asked = try? JSONDecoder().decode(ExportRequest.self, from: Data(call.request.body))
        var call = call
        call.subject.version = asked?.version
        let client = call.subject.client ?? ""
        let key = call.request.header("idempotency-key").map { IdempotencyKey(client: client, key: $0) }
        let isRepeat = key.map { !seenKeys.insert($0).inserted } ?? false
        var jobID = key.flatMap { jobOfKey[$0] }
        let reply = play(behaviour(for: call.subject).trigger?.faults, call) { state, _ in
            Reply(state.createJob(model: model, asked, key, call, &jobID))
        }
        log.triggers.append(
            TriggerRecord(
                at: call.now.elapsed.inSeconds, modelID: model, version: asked?.version, format: asked?.format,
                idempotencyKey: key?.key, isRepeat: isRepeat, jobID: jobID,
                commandID: asked?.metadata?["commandId"]?.string, runID: asked?.metadata?["runId"]?.string,
                metadata: asked?.metadata ?? [:], client: client,
                traceparent: call.request.header("traceparent"), answer: reply.label),
            keeping: configuration.logLimit)
        return reply
    }

    private mutating func createJob(
        model: String, _ asked: ExportRequest?, _ key: IdempotencyKey?, _ call: Call, _ jobID: inout String?
    ) -> Answer {
        guard call.request.header("content-type")?.lowercased().hasPrefix("application/json") == true else {
            return .error(415, "unsupported_media_type", "the body must be application/json")
        }
        guard let asked, asked.modelId == model else {
            return .error(400, "bad_request", "the body needs modelId (as in the path), version and format")
        }
        guard configuration.formats.contains(asked.format) else {
            return .error(422, "unsupported_format", "format \(asked.format) cannot be exported")
        }
        if let id = jobID, let job = jobs[id] {
            guard job.model == model, job.version == asked.version, job.format == asked.format else {
                return .error(422, "idempotency_key_reused", "the idempotency key belongs to another request")
            }
            return .json(202, ExportAnswer(jobId: id, exportId: job.exportID))
        }
        let job = newJob(asked, key, call)
        jobID = job.id
        return .json(202, ExportAnswer(jobId: job.id, exportId: job.exportID))
    }

    private mutating func newJob(_ asked: ExportRequest, _ key: IdempotencyKey?, _ call: Call) -> Job {
        let number = jobNumbers[ModelVersion(model: asked.modelId, version: asked.version), default: 0] + 1
        jobNumbers[ModelVersion(model: asked.modelId, version: asked.version)] = number
        let job = Job(
            id: mint("job-"), exportID: mint("exp-"), model: asked.modelId, version: asked.version,
            format: asked.format, client: call.subject.client ?? "", idempotencyKey: key?.key,
            metadata: asked.metadata ?? [:], number: number, createdAt: call.now)
        jobs[job.id] = job
        jobOrder.append(job.id)
        if let key { jobOfKey[key] = job.id }
        return job
    }
}
