// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import ExportPipeline
import Foundation
import ObjectStore
import Testing

/// Messages that are no commands: rejected at once with a reason, audited and announced once.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicyCommandTests {
    @Test func badCommands() async throws {
        let messages = BadMessage.all
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let aftermath = try await stack.aftermath {
                for message in messages { try await stack.publish(message.body, message.properties) }
                try await stack.awaitRefusals(of: messages)
            }
            for message in messages { try stack.check(message, aftermath) }
            #expect(aftermath.events.count == messages.count)
            #expect(aftermath.audits.count == messages.count)
            #expect(aftermath.letters.count == messages.count)
            #expect(aftermath.log.requests.isEmpty, "nobody was asked about a bad command")
            let states = messages.map { StateKeys().invalid(digest: $0.digest) }
            #expect(aftermath.keys == Set(states + aftermath.audits.map(\.key)))
            #expect(try await stack.waitForReady(stack.names.commands, 0))
            try await stack.checkSecrets(aftermath)
        }
    }

    /// The same bad message again is the same record and the same event again.
    @Test func aBadCommandComesAgain() async throws {
        let message = BadMessage("no JSON", "modelId=x", says: ["JSON"])
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let aftermath = try await stack.aftermath {
                for count in 1...2 {
                    try await stack.publish(message.body, message.properties)
                    let isThere = await stack.events.wait { $0.count == count }
                    try #require(isThere)
                }
            }
            #expect(aftermath.events.count == 2)
            #expect(Set(aftermath.events.map(\.id)).count == 1)
            #expect(Set(aftermath.events.map(\.body)).count == 1)
            #expect(aftermath.audits.count == 1)
            #expect(aftermath.letters.count == 2)
        }
    }

    @Test func aTenantNobodyKnows() async throws {
        var row = PolicyRow.fails("policy-tenant", .unknownTenant, at: .receive, says: ["nobody", "default"])
        row.tenant = "nobody"
        try await Stack.play([row], then: { _, aftermath in #expect(aftermath.log.requests.isEmpty) })
    }

    /// An id that belongs to another command: that one is not touched.
    @Test func anIdUsedTwice() async throws {
        let first = PolicyRow.succeeds("policy-first")
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let second = BadMessage(
                "conflict", #"{"commandId":"\#(first.commandID)","modelId":"policy-second","version":"1.0.0"}"#,
                says: [first.commandID, "other content"])
            var before: [UInt8] = []
            let key = StateKeys().checkpoint(tenant: "default", commandID: first.commandID)
            let aftermath = try await stack.aftermath {
                try await stack.publish(first)
                _ = try await stack.events.end(of: first.commandID)
                before = try await stack.store.get(key, maximumBytes: 1 << 20).bytes
                try await stack.publish(second.body, second.properties)
                try await stack.awaitRefusals(of: [second])
            }
            try stack.check(second, aftermath, code: .commandIDConflict)
            #expect(try await stack.store.get(key, maximumBytes: 1 << 20).bytes == before)
            #expect(
                aftermath.audits(of: first.commandID).map(\.outcome).sorted { $0 ?? "" < $1 ?? "" } == [
                    "FAILURE", "SUCCESS",
                ])
            #expect(aftermath.log.triggers.map(\.modelID) == ["policy-first"])
            #expect(try await stack.artifacts().count == 1)
            #expect(aftermath.letters.map(\.properties.messageID) == [second.properties.messageID])
        }
    }
}

extension Stack {
    func awaitRefusals(of messages: [BadMessage]) async throws {
        let expected = Set(messages.map(\.eventID))
        let areThere = await events.wait { expected.isSubset(of: $0.map(\.id)) }
        let ids = Set(events.all.map(\.id))
        try #require(areThere, "no event for \(messages.filter { !ids.contains($0.eventID) }.map(\.name))")
    }

    /// One event, one audit record, one dead letter, all named after the bytes of the message.
    func check(_ message: BadMessage, _ aftermath: Aftermath, code: FailureCode = .invalidCommand) throws {
        let name = message.name
        let events = aftermath.events.filter { $0.id == message.eventID }
        #expect(events.count == 1, "\(name): events")
        let event = try #require(events.first, "\(name)")
        #expect(event.routingKey == "nlu.export.failed", "\(name)")
        #expect(event.errorCode == code.rawValue, "\(name)")
        #expect(event.error["stage"] as? String == "receive", "\(name)")
        #expect(event.properties.correlationID == message.properties.correlationID, "\(name)")
        for text in message.says { #expect(event.message.contains(text), "\(name): \(event.message)") }
        #expect(RemoteText.cleaned(event.message) == event.message, "\(name): cleaned and cut")

        let recordID = AuditRecord.recordID(runID: message.digest)
        let audits = aftermath.audits.filter { $0.members["record_id"] as? String == recordID }
        #expect(audits.count == 1, "\(name): audit records")
        let audit = try #require(audits.first, "\(name)")
        #expect(audit.outcome == "FAILURE", "\(name)")
        #expect(audit.error["code"] as? String == code.rawValue, "\(name)")
        #expect(audit.error["message"] as? String == event.message, "\(name)")
        #expect(audit.flags?.values.contains(true) == false, "\(name)")

        let letters = aftermath.letters(of: message.properties.messageID ?? "")
        #expect(letters.count == 1, "\(name): dead letters")
        #expect(letters.first?.body == message.body, "\(name)")
    }
}
