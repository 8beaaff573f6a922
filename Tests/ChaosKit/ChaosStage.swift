// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import Foundation
internal import ObjectStore
internal import TestKit

/// What a run takes place on: queues, a bucket and a tenant of its own, workers with links and disks of theirs.
struct ChaosStage: Sendable {
    let servers: ChaosServers
    let names: ChaosNames
    let plan: CommandPlan
    let store: S3Client
    let tenant: TenantHost
    let links: [WorkerLinks]
    let disks: [AuditDisk]
    let fleet: Fleet
    let uploads: UploadWatch
    let journal: Journal

    init(
        options: ChaosOptions, servers: ChaosServers, names: ChaosNames, store: S3Client, directory: String
    ) async throws {
        self.servers = servers
        self.names = names
        self.store = store
        plan = CommandPlan(options: options)
        uploads = UploadWatch(store: store, commands: plan.commands)
        journal = Journal(path: "\(directory)/timeline.log")
        tenant = try await TenantHost.start()
        let ports: [WorkerLinks.Party: Int] = [
            .broker: try ChaosServers.port(of: servers.brokerURL),
            .store: try ChaosServers.port(of: servers.storeEndpoint),
            .tenant: await tenant.port,
        ]
        links = try (0..<options.workers).map { _ in try WorkerLinks(ports: ports) }
        // Room for every record, and a little to fill.
        let bytes = 1 << 20 + options.commands * 2048
        disks = try (1...options.workers).map { number in
            try AuditDisk(directory: "\(directory)/disk-\(number)", bytes: bytes, mayMount: servers.mayMount)
        }
        let id = await tenant.clientID
        let secret = await tenant.clientSecret
        let configuration = WorkerVariables(
            servers: servers, names: names, options: options, tenant: (id, secret))
        let variables = zip(links, disks).map { configuration.variables(links: $0, auditFile: $1.path) }
        fleet = Fleet(
            program: servers.worker, variables: variables, logs: directory, processDirectory: servers.processDirectory,
            journal: journal)
        try await store.createBucket()
        try await declare(variables[0], log: "\(directory)/topology.txt")
    }

    /// The worker's own way to its queues, and a queue that keeps every event for the run.
    private func declare(_ variables: [String: String], log: String) async throws {
        let process = try ChildProcess(servers.worker, ["topology", "apply"], environment: variables, log: log)
        guard await process.end(atMost: .seconds(60)) == .exit(0) else {
            throw ChaosServers.Unusable(description: "nlu-export-worker topology apply failed; see \(log)")
        }
        let names = names
        try await AMQPAdmin.withConnection(try servers.brokerConfiguration()) { session throws(AMQPError) in
            try session.declare(AMQPTopology.Queue(name: names.observed, arguments: ["x-queue-type": "quorum"]))
            try session.bind(AMQPTopology.Binding(queue: names.observed, exchange: names.events, routingKey: "#"))
        }
    }

    /// Undoes everything that trouble may have left: all is up, connected, awake and has space.
    func heal() async throws {
        for link in links {
            for party in WorkerLinks.Party.allCases { link.stall(party, false) }
        }
        for disk in disks { try disk.free() }
        try await tenant.heal()
        await fleet.wakeAll()
    }

    /// Messages ready in the command queue.
    func ready() async throws -> Int {
        let names = names
        return try await AMQPAdmin.withConnection(try servers.brokerConfiguration()) { session throws(AMQPError) in
            Int(try session.queue(names.commands)?.messageCount ?? 0)
        }
    }

    /// Waits until so many are ready; false once the bound is over.
    func waitForReady(_ count: Int, atMost bound: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + bound
        while ContinuousClock.now < deadline {
            if try await ready() == count { return true }
            try await Task.sleep(for: .milliseconds(200))
        }
        return false
    }

    /// Ends what still runs and removes what others would find.
    func takeDown(keepsObjects: Bool) async {
        await fleet.killAll()
        for link in links { link.close() }
        for disk in disks { disk.remove() }
        await tenant.close()
        // Who breaks off a run stops the servers too.
        guard !Task.isCancelled else { return }
        let names = names
        if let configuration = try? servers.brokerConfiguration() {
            _ = try? await AMQPAdmin.withConnection(configuration) { session throws(AMQPError) in
                for queue in [names.commands, names.dead, names.observed] { _ = try session.delete(queue: queue) }
                for exchange in [names.commands, names.dead, names.events] { try session.delete(exchange: exchange) }
            }
        }
        if !keepsObjects { try? await emptyBucket() }
    }

    private func emptyBucket() async throws {
        for upload in try await store.listMultipartUploads() {
            try await store.abortMultipartUpload(upload.key, uploadID: upload.uploadID)
        }
        for object in try await store.listAll() { try await store.delete(object.key) }
        try await store.deleteBucket()
    }
}
