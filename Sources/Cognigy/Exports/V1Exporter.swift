// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
internal import HTTPTransport
internal import Synchronization

/// The v1 export API of a tenant: version status, export trigger, job status.
package final class V1Exporter: ModelExporter {
    /// How many versions found trained are remembered for probes.
    private static let rememberedPaths = 4
    /// The id of a job that no tenant has.
    private static let noJob = "nlu-export-worker-probe"

    private let session: TenantSession
    private let goodPaths = Mutex<[String]>([])

    init(session: TenantSession) { self.session = session }

    package func status(
        of command: ExportCommand, context: CallContext
    ) async throws(StepError) -> VersionStatus {
        let call = statusCall(Self.versionPath(command), "the status of \(subject(command))")
        let answer = try await session.send(call, context: context)
        let status = try V1Answers(call: call, answer: answer).versionStatus()
        if status == .trained { remember(call.path) }
        return status
    }

    package func trigger(
        _ command: ExportCommand, runID: String, context: CallContext
    ) async throws(StepError) -> ExportJob {
        let call = APICall(
            method: .post, path: "/api/v1/nlu/models/\(PercentEncoding.encode(command.modelID))/exports",
            body: body(of: command, runID: runID), idempotencyKey: runID,
            timeout: session.configuration.timeouts.exportRequest, isRepeatable: false,
            subject: "the export of \(subject(command))")
        let answer = try await session.send(call, context: context)
        return try V1Answers(call: call, answer: answer).exportJob()
    }

    package func poll(
        _ job: ExportJob, of command: ExportCommand, context: CallContext
    ) async throws(StepError) -> JobStatus {
        let call = APICall(
            method: .get, path: "/api/v1/jobs/\(PercentEncoding.encode(job.jobID))",
            timeout: session.configuration.timeouts.request,
            subject: "the status of export job \(job.jobID) at tenant \(session.configuration.name)")
        let answer = try await session.send(call, context: context)
        return try V1Answers(call: call, answer: answer).jobStatus(base: session.configuration.resolutionBase)
    }

    /// Asks for the versions that were last found trained until one of them answers with success; false where there is
    /// none to ask for, but the API takes the token. Several, because one model may have been deleted since.
    func probe(context: CallContext) async throws(StepError) -> Bool {
        var last: StepError?
        for path in goodPaths.withLock({ $0 }).reversed() {
            let call = statusCall(path, "a probe (\(path)) of tenant \(session.configuration.name)")
            do {
                let answer = try await session.send(call, context: context)
                _ = try V1Answers(call: call, answer: answer).versionStatus()
                return true
            } catch {
                guard case .permanent = error.kind else { throw error }
                last = error
            }
        }
        if let last { throw fault(last) }
        try await probeAccess(context: context)
        return false
    }

    /// Asks for a job that cannot be there: whether the API takes the token is all that the answer can tell.
    private func probeAccess(context: CallContext) async throws(StepError) {
        let call = APICall(
            method: .get, path: "/api/v1/jobs/\(Self.noJob)", timeout: session.configuration.timeouts.request,
            subject: "a probe (/api/v1/jobs/\(Self.noJob)) of tenant \(session.configuration.name)")
        do {
            let answer = try await session.send(call, context: context)
            if (400..<500).contains(answer.status) { return }
            _ = try V1Answers(call: call, answer: answer).jobStatus(base: session.configuration.resolutionBase)
        } catch {
            if case .permanent = error.kind { throw fault(error) }
            throw error
        }
    }

    private func fault(_ error: StepError) -> StepError {
        StepError(.surroundings(.tenant(session.configuration.name)), error.message, httpStatus: error.httpStatus)
    }

    private func statusCall(_ path: String, _ subject: String) -> APICall {
        APICall(method: .get, path: path, timeout: session.configuration.timeouts.request, subject: subject)
    }

    private static func versionPath(_ command: ExportCommand) -> String {
        let model = PercentEncoding.encode(command.modelID)
        return "/api/v1/nlu/models/\(model)/versions/\(PercentEncoding.encode(command.version))"
    }

    /// The command's metadata with what this worker adds; the names it adds are reserved.
    private func body(of command: ExportCommand, runID: String) -> [UInt8] {
        var metadata = JSONObject()
        for (name, value) in command.metadata.sorted(by: { $0.key < $1.key }) { metadata.set(name, .string(value)) }
        metadata.set("exported_by", .string(session.configuration.exportedBy))
        metadata.set("commandId", .string(command.commandID))
        metadata.set("runId", .string(runID))
        return JSONWriter.bytes(
            of: JSONObject([
                "modelId": .string(command.modelID), "version": .string(command.version),
                "format": .string(command.format), "metadata": .object(metadata),
            ]))
    }

    private func subject(_ command: ExportCommand) -> String {
        "model \(command.modelID) version \(command.version) at tenant \(session.configuration.name)"
    }

    private func remember(_ path: String) {
        goodPaths.withLock { paths in
            if paths.last == path { return }
            paths.removeAll { $0 == path }
            paths.append(path)
            paths.removeFirst(max(0, paths.count - Self.rememberedPaths))
        }
    }
}
