// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ChaosKit
import Foundation
import Testing

/// A short run with real workers on the servers of the tests. The long ones are `ops/chaos`.
@Suite(.serialized) struct ChaosRunTests {
    private static let variables = ProcessInfo.processInfo.environment

    private static var servers: ChaosServers? {
        guard let broker = variables["NLU_TEST_AMQP_URL"], let endpoint = variables["NLU_TEST_S3_ENDPOINT"],
            let key = variables["NLU_TEST_S3_ACCESS_KEY"], let secret = variables["NLU_TEST_S3_SECRET_KEY"],
            let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        else { return nil }
        let worker = URL(filePath: own).deletingLastPathComponent().appending(path: "nlu-export-worker").path
        var servers = ChaosServers(
            brokerURL: broker, storeEndpoint: endpoint, accessKey: key, secretKey: secret, worker: worker)
        servers.brokerControl = variables["NLU_TEST_RABBITMQCTL"].flatMap { $0.isEmpty ? nil : $0 }
        return servers
    }

    @Test(.enabled(if: servers != nil), .timeLimit(.minutes(5))) func sixtyCommandsSurvive() async throws {
        var options = ChaosOptions()
        options.commands = 60
        options.workers = 4
        options.slowShare = 0.02
        options.largeArtifacts = 2
        options.disturbEvery = .milliseconds(2500)
        options.outageEvery = .seconds(8)
        options.seed = UInt64.random(in: 1...999_999)
        options.timeLimit = .seconds(240)
        let directory = FileManager.default.temporaryDirectory.appending(path: "chaos-\(UUID().uuidString)").path
        let run = ChaosRun(options: options, servers: try #require(Self.servers), directory: directory)
        let report = try await run.run()
        print(report.text)
        #expect(report.isGood, "\(report.text)\nlogs and evidence: \(directory)")
        if report.isGood { try FileManager.default.removeItem(atPath: directory) }
    }
}
