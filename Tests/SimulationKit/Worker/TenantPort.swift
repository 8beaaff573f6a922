// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// The tenants, as one worker process reaches them.
struct TenantPorts: ExporterDirectory {
    let process: Incarnation

    var tenantNames: [String] { process.world.tenants.indices.map(Server.tenantName) }

    func exporter(for tenant: String) -> (any ModelExporter)? {
        tenantNames.firstIndex(of: tenant).map { TenantPort(process: process, index: $0) }
    }
}

/// One tenant's export API.
struct TenantPort: ModelExporter {
    let process: Incarnation
    let index: Int

    private var tenant: Tenant { process.world.tenants[index] }
    private var name: String { Server.tenantName(index) }

    func status(of command: ExportCommand, context: CallContext) async throws(StepError) -> VersionStatus {
        let (number, tenant) = (process.world.number(of: command), tenant)
        return try await process.call(
            .tenant(index), "status", command.commandID, trouble: Faults.tenant(name)
        ) { tenant.status(of: number) }
    }

    func trigger(_ command: ExportCommand, runID: String, context: CallContext) async throws(StepError) -> ExportJob {
        let (process, number, tenant) = (process, process.world.number(of: command), tenant)
        if process.isAlive { process.world.checks.triggers(runID, by: process) }
        return try await process.call(
            .tenant(index), "trigger", "\(command.commandID) run \(runID)", budget: .trigger(number),
            trouble: Faults.tenant(name, isTrigger: true)
        ) { .success(tenant.trigger(number, runID: runID, by: process)) }
    }

    func poll(_ job: ExportJob, of command: ExportCommand, context: CallContext) async throws(StepError) -> JobStatus {
        let tenant = tenant
        return try await process.call(
            .tenant(index), "poll", "\(command.commandID) \(job.jobID)", trouble: Faults.tenant(name)
        ) { tenant.poll(job) }
    }
}
