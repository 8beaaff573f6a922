// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import CognigySimulator
import Foundation
import ObjectStore
import Testing
import Worker

/// A command in; a verified object, an audit record and a confirmed event out.
@Suite(.enabled(if: Stack.isAvailable)) struct EndToEndTests {
    @Test func archivesATrainedModel() async throws {
        try await Stack.run { stack in
            try await stack.withWorkers {
                let id = try await stack.submit(model: "size-3MiB-intents")
                let event = try await stack.events.end(of: id)
                #expect(event.routingKey == "nlu.export.completed")
                let sha = event.data["artifactSha256"] as? String
                #expect(sha == ArtifactContent.sha256(model: "size-3MiB-intents", version: "1.0.0", size: 3 << 20))
                let audit = try #require(try await stack.audits().first)
                #expect(audit["command_id"] as? String == id)
                let flags = audit["compliance_flags"] as? [String: Bool]
                #expect(flags == ["encrypted_at_rest": true, "scope_validated": true, "version_constrained": true])
                #expect(try await stack.artifacts().map(\.size) == [3 << 20])
            }
            #expect(try await stack.waitForReady(stack.names.commands, 0))
            #expect(try await stack.ready(stack.names.dead) == 0)
            #expect(stack.simulator.log.leaks.isEmpty)
        }
    }

    @Test func storesALargeArtifactInParts() async throws {
        try await Stack.run { stack in
            try await stack.withWorkers {
                let id = try await stack.submit(model: "size-40MiB-large")
                let event = try await stack.events.end(of: id)
                #expect(event.routingKey == "nlu.export.completed")
                let sha = event.data["artifactSha256"] as? String
                #expect(sha == ArtifactContent.sha256(model: "size-40MiB-large", version: "1.0.0", size: 40 << 20))
                #expect(try await stack.store.listMultipartUploads().isEmpty)
            }
        }
    }

    @Test func twoHundredCommandsThroughTwoWorkers() async throws {
        let count = 200
        try await Stack.run { stack in
            try await stack.withWorkers(2) {
                var ids: Set<String> = []
                for number in 0..<count { ids.insert(try await stack.submit(model: "size-20KiB-m\(number)")) }
                let expected = ids
                let allThere = await stack.events.wait(atMost: .seconds(180)) { events in
                    Set(events.filter { $0.routingKey == "nlu.export.completed" }.compactMap(\.commandID)) == expected
                }
                try #require(allThere)
            }
            #expect(try await stack.waitForReady(stack.names.commands, 0))
            #expect(try await stack.ready(stack.names.dead) == 0)
            let audits = try await stack.audits()
            #expect(audits.count == count)
            #expect(audits.allSatisfy { $0["outcome"] as? String == "SUCCESS" })
            let completed = stack.events.all.filter { $0.routingKey == "nlu.export.completed" }
            #expect(Set(completed.map(\.id)).count == count)
            #expect(stack.simulator.log.jobs.count == count)
            try await checkObjects(of: stack, count)
        }
    }

    private func checkObjects(of stack: Stack, _ count: Int) async throws {
        let objects = try await stack.artifacts()
        #expect(objects.count == count)
        for event in stack.events.all where event.routingKey == "nlu.export.completed" {
            let model = try #require(event.data["modelId"] as? String)
            let sha = ArtifactContent.sha256(model: model, version: "1.0.0", size: 20 << 10)
            #expect(event.data["artifactSha256"] as? String == sha)
            let location = try #require(event.data["storageLocation"] as? String)
            let key = location.dropFirst("s3://\(stack.store.configuration.bucket)/".count)
            #expect(try await stack.store.head(String(key)).metadata["artifact-sha256"] == sha)
        }
    }
}
