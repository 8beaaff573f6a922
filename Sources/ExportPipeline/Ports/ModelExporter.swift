// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What a tenant says about the model version a command names.
package enum VersionStatus: Sendable, Hashable {
    case trained
    /// Training has not ended yet; the triggering event came early.
    case trainingUnderWay(String)
    /// Anything else, named as the tenant named it (cleaned), or nil where it gave no usable status.
    case notTrained(String?)
}

/// An asynchronous export job as the tenant knows it.
package struct ExportJob: Sendable, Hashable, Codable {
    package let jobID: String
    package let exportID: String

    package init(jobID: String, exportID: String) {
        self.jobID = jobID
        self.exportID = exportID
    }
}

/// Where an artifact can be fetched for a while. The URL can carry a signature: it is a secret and never printed.
package struct DownloadLink: Sendable, Hashable, CustomStringConvertible {
    package let url: String

    package init(url: String) { self.url = url }

    package var description: String { "<download link>" }
}

/// What a tenant says about an export job.
package enum JobStatus: Sendable, Hashable {
    /// Still at work; progress in percent, 0 to 100.
    case underWay(percent: Double)
    /// Done; nil where the answer carried no usable link.
    case completed(DownloadLink?)
    /// The job failed; the tenant's message, cleaned.
    case failed(message: String)
    /// A status that this worker does not know, cleaned.
    case unknown(String)
}

/// What is passed on to every remote call made for a command.
package struct CallContext: Sendable, Hashable {
    /// W3C trace context of the command, validated by its grammar.
    package var traceparent: String?
    package var tracestate: String?
    package var correlationID: String?
    package var commandID: String

    package init(commandID: String, traceparent: String? = nil, tracestate: String? = nil, correlationID: String? = nil)
    {
        self.commandID = commandID
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.correlationID = correlationID
    }
}

/// One tenant's export API.
package protocol ModelExporter: Sendable {
    /// Asks whether the command's model version is trained.
    func status(of command: ExportCommand, context: CallContext) async throws(StepError) -> VersionStatus

    /// Starts the export job. Repeating it with the same `runID` is safe: it is sent as the idempotency key.
    func trigger(_ command: ExportCommand, runID: String, context: CallContext) async throws(StepError) -> ExportJob

    /// Asks how the job stands.
    func poll(_ job: ExportJob, of command: ExportCommand, context: CallContext) async throws(StepError) -> JobStatus
}

/// Finds the exporter of a tenant.
package protocol ExporterDirectory: Sendable {
    /// The exporter of the tenant named, or nil where the configuration knows no such tenant.
    func exporter(for tenant: String) -> (any ModelExporter)?
    /// The tenant names that are configured, for error messages.
    var tenantNames: [String] { get }
}
