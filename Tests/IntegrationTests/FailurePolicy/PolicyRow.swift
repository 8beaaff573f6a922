// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Foundation

/// One row of the failure policy: a scenario of the simulated tenant, and what must come of a command for it.
struct PolicyRow: Sendable, CustomStringConvertible {
    enum Ending: Sendable {
        /// An object of that many bytes.
        case success(size: Int)
        case failure(FailureCode, Stage, httpStatus: Int?)
    }

    /// The model id, which is what chooses the scenario.
    let model: String
    let ending: Ending
    var tenant = "default"
    var version = "1.0.0"
    var format = "ONNX"
    /// Texts that the failure's message must hold.
    var says: [String] = []
    /// How many export jobs the tenant must have made; nil for what follows from the ending.
    var jobs: Int?
    /// How many export requests the tenant must have seen; nil for one a job, or one refused.
    var triggers: Int?
    /// How many requests for the version's page the tenant must have seen; nil for any number.
    var looks: Int?
    let commandID = UUID().uuidString

    static func succeeds(
        _ model: String, tenant: String = "default", size: Int = Self.artifactSize, jobs: Int = 1,
        triggers: Int? = nil, looks: Int? = nil
    ) -> PolicyRow {
        PolicyRow(
            model: model, ending: .success(size: size), tenant: tenant, jobs: jobs, triggers: triggers, looks: looks)
    }

    static func fails(
        _ model: String, _ code: FailureCode, at stage: Stage, status: Int? = nil, says: [String] = [],
        format: String = "ONNX", jobs: Int? = nil, triggers: Int? = nil, looks: Int? = nil
    ) -> PolicyRow {
        PolicyRow(
            model: model, ending: .failure(code, stage, httpStatus: status), format: format, says: says, jobs: jobs,
            triggers: triggers, looks: looks)
    }

    /// The size of artifacts in tables, unless the model id says otherwise.
    static let artifactSize = 64 << 10

    var description: String { model }

    var isSuccess: Bool { if case .success = ending { true } else { false } }

    /// Jobs the tenant must have made: none ahead of a good trigger, one after it.
    var expectedJobs: Int {
        if let jobs { return jobs }
        guard case .failure(_, let stage, _) = ending else { return 1 }
        return [.receive, .validate, .trigger].contains(stage) ? 0 : 1
    }

    var expectedTriggers: Int {
        if let triggers { return triggers }
        if case .failure(_, .trigger, _) = ending { return 1 }
        return expectedJobs
    }

    /// Whether the API has vouched for the version: it answered the check of this run that it is trained.
    var isValidated: Bool {
        guard case .failure(_, let stage, _) = ending else { return true }
        return ![.receive, .validate].contains(stage)
    }

    var commandBody: [UInt8] {
        Array(
            #"{"commandId":"\#(commandID)","tenant":"\#(tenant)","modelId":"\#(model)","version":"\#(version)","#.utf8
        ) + Array(#""format":"\#(format)"}"#.utf8)
    }
}
