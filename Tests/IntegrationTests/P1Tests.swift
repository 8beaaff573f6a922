// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import TestKit
import Testing

/// Promise 1: acknowledged ⇔ object verified ⇔ audit record durable in every sink ⇔ event confirmed.
///
/// Each test breaks one link of that chain. While it is broken no acknowledgement goes out and the command stays with the
/// broker, which delivers it again; once it is mended everything is there exactly once.
@Suite(.enabled(if: Stack.isAvailable)) struct P1Tests {
    private static let size = 20 << 10
    private static let model = "size-20KiB-p1"

    // MARK: (a) the object verified

    @Test func objectMissing() async throws {
        try await holdsBackWhileHead(is: .answer(status: 404))
    }

    @Test func objectOfWrongSize() async throws {
        try await holdsBackWhileHead(is: .change { $0["Content-Length"] = String(Self.size - 1) })
    }

    @Test func objectNotEncrypted() async throws {
        try await holdsBackWhileHead(is: .change { $0["x-amz-server-side-encryption"] = nil })
    }

    @Test func objectWithOtherChecksum() async throws {
        try await holdsBackWhileHead(is: .change { $0["x-amz-checksum-crc32c"] = "AAAAAA==" })
    }

    private func holdsBackWhileHead(is fault: HTTPFault) async throws {
        let patient: (inout [String: String]) -> Void = {
            // The fault lasts longer than a command is given by default before it is failed for good.
            $0["NLU_EXPORT_RETRY_TRANSFERS"] = "1000"
            $0["NLU_EXPORT_RETRY_MAX_ATTEMPTS"] = "100000"
        }
        try await Stack.runBehindFaultProxy(configure: patient) { stack, proxy in
            let rule = proxy.add(fault, method: "HEAD", path: "/nlu-exports/")
            try await holdsBack(stack, isAudited: false) { _ in
                await rule.wait(forHits: rule.hits + 2)
            } mend: {
                rule.end()
            }
        }
    }

    // MARK: (b) the audit record durable in every sink

    @Test func auditFileIsADirectory() async throws {
        try await withFolder { folder in
            let path = folder + "/audit.jsonl"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try await Stack.run(configure: { $0["NLU_EXPORT_AUDIT_FILE"] = path }) { stack in
                try await holdsBackWhileFileFails(stack, path)
            }
        }
    }

    @Test func auditFileOnAFullDisk() async throws {
        try await withFolder { folder in
            let path = folder + "/audit.jsonl"
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
            try await Stack.run(configure: { $0["NLU_EXPORT_AUDIT_FILE"] = path }) { stack in
                try await holdsBackWhileFileFails(stack, path)
            }
        }
    }

    private func holdsBackWhileFileFails(_ stack: Stack, _ path: String) async throws {
        try await holdsBack(stack) { log in
            await log.wait(for: Stack.paused) { $0.metadata["reason"]?.contains(path) ?? false }
        } mend: {
            try FileManager.default.removeItem(atPath: path)
        }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let records = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        let expected = try await stack.audits().first?["record_id"] as? String
        #expect(Set(records.map { $0?["record_id"] as? String }) == [expected])
    }

    @Test(arguments: [(403, "AccessDenied"), (500, "InternalError")])
    func auditRefusedByTheBucket(status: Int, code: String) async throws {
        try await Stack.runBehindFaultProxy { stack, proxy in
            let body = "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>no</Message></Error>"
            let rule = proxy.add(.answer(status: status, body: body), method: "PUT", path: "/audit/")
            try await holdsBack(stack, isAudited: false) { _ in
                await rule.wait(forHits: rule.hits + 3)
            } mend: {
                rule.end()
            }
        }
    }

    // MARK: (c) the event confirmed

    @Test func eventNacked() async throws {
        try await Stack.run { stack in
            let full = "\(stack.names.archive).full"
            let exchange = stack.names.events
            try await stack.onBroker { session throws(AMQPError) in
                let arguments: AMQPTable = [
                    "x-max-length": 1, "x-overflow": "reject-publish", "x-expires": 600_000,
                ]
                try session.declare(AMQPTopology.Queue(name: full, arguments: arguments))
                try session.publish(AMQPTestBroker.message(full, "the only one there is room for"))
                try session.bind(.init(queue: full, exchange: exchange, routingKey: "#"))
            }
            // The queue that keeps copies takes the event although the broker refuses it as a whole.
            try await holdsBack(stack, isHeard: true) { log in
                await log.wait(forFailures: 3, saying: "basic.nack")
            } mend: {
                try await stack.onBroker { session throws(AMQPError) in _ = try session.delete(queue: full) }
            }
        }
    }

    @Test func eventWithoutARoute() async throws {
        try await Stack.run(configure: { $0["NLU_EXPORT_EVENTS_REQUIRE_ROUTE"] = "true" }) { stack in
            let binding = AMQPTopology.Binding(
                queue: stack.names.archive, exchange: stack.names.events, routingKey: "#")
            try await stack.onBroker { session throws(AMQPError) in try session.unbind(binding) }
            // A worker that keeps copies of events would bind its queue again.
            let bare = stack.reconfigured { $0["NLU_EXPORT_AMQP_EVENTS_ARCHIVE_QUEUE"] = nil }
            try await holdsBack(bare) { log in
                await log.wait(forFailures: 3, saying: "no queue is bound")
            } mend: {
                try await stack.onBroker { session throws(AMQPError) in try session.bind(binding) }
            }
        }
    }

    @Test func publishingConnectionDown() async throws {
        let broker = try AMQPTestBroker.endpoint()
        // The publishing connection tells its role in its name; the consuming one goes on unharmed.
        let filter = try ConnectionFilter(to: broker.port, marker: " events")
        defer { filter.stop() }
        let url = try Stack.brokerURL(port: filter.port)
        let configure: (inout [String: String]) -> Void = {
            $0["NLU_EXPORT_AMQP_URL"] = url
            // The publish waits for its connection as long as the worker lives.
            $0["NLU_EXPORT_SHUTDOWN_GRACE"] = "1s"
        }
        try await Stack.run(configure: configure) { stack in
            filter.bar(true)
            try await holdsBack(stack) { log in
                let isAudited = await log.wait(for: "audit record written")
                let isDown = await log.wait(for: "broker connection lost", count: 2) {
                    $0.metadata["connection"] == "publisher"
                }
                return isAudited && isDown
            } mend: {
                filter.bar(false)
            }
        }
    }

    // MARK: The course of each

    /// One worker meets the fault and has to leave; the next one meets it too, and then it is mended.
    ///
    /// - Parameters:
    ///   - isAudited: whether a record of success may be in the bucket while the fault lasts.
    ///   - isHeard: whether somebody may have received the event although the broker did not confirm it.
    ///   - isMet: waits until workers with that log have met the fault, more than once.
    private func holdsBack(
        _ stack: Stack, isAudited: Bool = true, isHeard: Bool = false, isMet: (LogWatch) async -> Bool,
        mend: () async throws -> Void
    ) async throws {
        var id = ""
        let first = LogWatch()
        try await stack.withWorkers(logger: first.logger) {
            id = try await stack.submit(model: Self.model)
            try #require(await isMet(first), "the fault was not met: \(first.text)")
        }
        #expect(first.settlements == ["requeue"], "\(first.text)")
        try await expectHeldBack(stack, id, isAudited: isAudited, isHeard: isHeard)

        let second = LogWatch()
        try await stack.withWorkers(logger: second.logger) {
            try #require(await second.wait(for: "command received") { $0.metadata["redelivered"] == "true" })
            try #require(await isMet(second), "the fault was not met again: \(second.text)")
            // A pause hands the delivery back once.
            #expect(second.settlements.allSatisfy { $0 == "requeue" }, "\(second.text)")
            try await mend()
            let isAcknowledged = await second.wait(for: "delivery settled") {
                $0.metadata["settlement"] == "acknowledge"
            }
            try #require(isAcknowledged, "never settled: \(second.text)")
            _ = try await stack.events.end(of: id)
        }
        #expect(second.settlements.filter { $0 != "requeue" } == ["acknowledge"], "\(second.text)")
        try await stack.expectCompleted([id])
        #expect(try await stack.artifacts().map(\.size) == [Self.size])
    }

    private func expectHeldBack(_ stack: Stack, _ id: String, isAudited: Bool, isHeard: Bool) async throws {
        let isBack = try await stack.waitForReady(stack.names.commands, 1)
        #expect(isBack, "the command is not in its queue")
        #expect(try await stack.ready(stack.names.dead) == 0)
        #expect(try await stack.audits().count == (isAudited ? 1 : 0))
        #expect(stack.events.of(id).isEmpty == !isHeard)
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "p1-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(folder)) } catch { outcome = .failure(error) }
        try FileManager.default.removeItem(atPath: folder)
        try outcome.get()
    }
}
