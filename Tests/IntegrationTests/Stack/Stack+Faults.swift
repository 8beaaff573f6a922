// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

// MARK: Between the workers and what they talk to

extension Stack {
    /// Runs a stack whose workers reach the object store through a proxy that can play faults; the test itself looks at
    /// the store directly.
    static func runBehindFaultProxy(
        simulator configuration: SimulatorConfiguration = .fast,
        configure: (inout [String: String]) -> Void = { _ in },
        _ body: (Stack, HTTPFaultProxy) async throws -> Void
    ) async throws {
        let server = try #require(ObjectStoreServer.shared)
        let port = try #require(URLComponents(string: server.endpoint)?.port)
        let proxy = try HTTPFaultProxy(to: port)
        defer { proxy.stop() }
        try await run(simulator: configuration, through: proxy.endpoint, configure: configure) { stack in
            try await body(stack, proxy)
        }
    }

    /// The broker's URL as it is reached through a proxy at `port`.
    static func brokerURL(port: Int) throws -> String {
        let url = try #require(AMQPTestBroker.url)
        var components = try #require(URLComponents(string: url))
        components.host = "127.0.0.1"
        components.port = port
        return try #require(components.string)
    }

    /// The same stack with workers configured otherwise.
    func reconfigured(_ change: (inout [String: String]) -> Void) -> Stack {
        var variables = variables
        change(&variables)
        return Stack(simulator: simulator, store: store, events: events, names: names, variables: variables)
    }

    /// Steps on the broker outside of the workers.
    func onBroker<Result: Sendable>(
        _ body: @escaping @Sendable (AMQPAdminSession) throws(AMQPError) -> Result
    ) async throws -> Result {
        try await AMQPAdmin.withConnection(try AMQPTestBroker.configuration(), body)
    }
}

// MARK: What there is at the end

extension Stack {
    /// The checkpoint of a command of the default tenant.
    func checkpoint(of commandID: String) async throws -> Checkpoint {
        let key = StateKeys().checkpoint(tenant: "default", commandID: commandID)
        return try CheckpointCodec.decode(try await store.get(key, maximumBytes: 1 << 20).bytes)
    }

    /// The objects by which living workers show themselves.
    func leases() async throws -> [String] { try await store.listAll(prefix: StateKeys().workers).map(\.key) }

    /// Waits until the tenant has had so many requests of a kind for a model; false once the bound is over.
    func waitForRequests(_ count: Int, _ endpoint: Endpoint, model: String) async -> Bool {
        let requests = simulator.requests()
        if simulator.log.count(endpoint, model: model) >= count { return true }
        return await within(.seconds(120)) {
            for await _ in requests where self.simulator.log.count(endpoint, model: model) >= count { return true }
            return false
        } ?? false
    }

    /// Whether nothing is left of the commands but what they were for: each with one trigger, one object, one audit
    /// record that tells of success and one event (which may have been announced more than once), and nothing queued.
    func expectCompleted(
        _ ids: [String], uploads: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let isEmpty = try await waitForReady(names.commands, 0)
        #expect(isEmpty, "commands are left", sourceLocation: sourceLocation)
        #expect(try await ready(names.dead) == 0, "dead letters", sourceLocation: sourceLocation)
        let audits = try await audits()
        #expect(
            audits.compactMap { $0["command_id"] as? String }.sorted() == ids.sorted(), "audit records",
            sourceLocation: sourceLocation)
        #expect(audits.allSatisfy { $0["outcome"] as? String == "SUCCESS" }, sourceLocation: sourceLocation)
        let jobs = simulator.log.jobs
        #expect(jobs.count == ids.count, "jobs", sourceLocation: sourceLocation)
        #expect(simulator.log.triggers.count == ids.count, "triggers", sourceLocation: sourceLocation)
        #expect(try await artifacts().count == ids.count, "objects", sourceLocation: sourceLocation)
        let left = try await store.listMultipartUploads()
        #expect(left.count == uploads, "left-over uploads", sourceLocation: sourceLocation)
        for id in ids {
            let events = events.of(id)
            #expect(events.allSatisfy { $0.routingKey == "nlu.export.completed" }, sourceLocation: sourceLocation)
            #expect(Set(events.map(\.id)).count == 1, "event ids of \(id)", sourceLocation: sourceLocation)
            #expect(Set(events.map(\.body)).count == 1, "events of \(id)", sourceLocation: sourceLocation)
            #expect(try await checkpoint(of: id).runs == 1, "runs of \(id)", sourceLocation: sourceLocation)
        }
    }
}

/// What `body` returns, or nil once the bound is over.
func within<Value: Sendable>(
    _ bound: Duration, _ body: @escaping @Sendable () async -> Value
) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
        group.addTask { await body() }
        group.addTask {
            try? await Task.sleep(for: bound)
            return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
    }
}
