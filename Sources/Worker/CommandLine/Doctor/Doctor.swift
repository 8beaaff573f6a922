// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import FoundationEssentials
internal import HTTPTransport
internal import Logging

/// `nlu-export-worker doctor`: tries every dependency in turn and names the remedy for what fails.
///
/// Nothing that matters is changed: what is written for a try lies under the worker's own prefix and is deleted again,
/// no message reaches a queue, no audit record is written.
package enum Doctor {
    /// Prints a line for every check as it ends; ends with success where nothing failed, else by the gravest failure.
    package static func run(settings: Settings, output: OutputFormat) async -> WorkerExit {
        let surroundings = DoctorSurroundings(
            settings: settings, environment: ProcessInfo.processInfo.environment)
        let findings = await DoctorExamination().run(checks(surroundings)) { finding in
            if output == .text { DoctorReport.lines(finding).forEach(CommandOutput.print) }
        }
        await surroundings.http.shutdown()
        let report = DoctorReport(findings: findings)
        CommandOutput.print(output == .json ? report.document : report.summary)
        return report.exit
    }

    /// All checks in the order they are made: what costs nothing first.
    static func checks(_ surroundings: DoctorSurroundings) -> [DoctorCheck] {
        DoctorConfiguration(settings: surroundings.settings).checks + DoctorBroker(surroundings).checks
            + DoctorStore(surroundings).checks
            + surroundings.settings.tenants.map { DoctorTenant(surroundings, tenant: $0).check }
            + DoctorAuditFile(surroundings.settings.audit).checks
    }
}

/// What all checks share.
struct DoctorSurroundings: Sendable {
    let settings: Settings
    /// The process's variables: credentials of the store come from there.
    let environment: [String: String]
    let identity = WorkerIdentity.current(environment: SystemEnvironment())
    let http: HTTPClient
    let logger: Logger

    init(settings: Settings, environment: [String: String]) {
        self.settings = settings
        self.environment = environment
        var logger = Logger(label: "doctor")
        // The findings tell what the parts would log; who asks for details still gets them.
        if logger.logLevel >= .info { logger.logLevel = .critical }
        self.logger = logger
        http = HTTPClient(
            configuration: HTTPClientConfiguration(userAgent: "nlu-export-worker/\(WorkerVersion.text)"),
            logger: logger)
    }
}
