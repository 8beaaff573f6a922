// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import CognigySimulator
import Foundation
import ObjectStore
import Testing

/// P8 where it is hardest: credentials that are refused, and what is said about that.
///
/// The tables look for secrets as well, each in everything its worker left behind.
@Suite(.enabled(if: Stack.isAvailable)) struct FailurePolicySecrecyTests {
    /// A variable whose secret is wrong, and the log line that tells of it.
    struct Wrong: Sendable, CustomTestStringConvertible {
        let variable: String
        /// The value with the secret in it.
        let value: @Sendable (_ secret: String) throws -> String
        let message: String
        /// A word of the line.
        let word: String

        var testDescription: String { variable }
    }

    static let wrong = [
        Wrong(
            variable: "NLU_EXPORT_COGNIGY_TENANTS_DEFAULT_CLIENT_SECRET", value: { $0 }, message: Stack.paused,
            word: "401"),
        Wrong(
            variable: "AWS_SECRET_ACCESS_KEY", value: { $0 }, message: "not consuming yet",
            word: "403"),
        Wrong(
            variable: "NLU_EXPORT_AMQP_URL",
            value: { secret in
                let endpoint = try AMQPTestBroker.endpoint()
                return "amqp://\(endpoint.user):\(secret)@\(endpoint.host):\(endpoint.port)/%2f"
            }, message: "broker connection lost", word: "ACCESS_REFUSED"),
    ]

    @Test(arguments: wrong) func aSecretThatIsRefused(_ wrong: Wrong) async throws {
        let secret = "wrong-\(UUID().uuidString)"
        try await Stack.run(simulator: .policy, configure: Stack.forTables) { stack in
            let row = PolicyRow.succeeds("policy-secret")
            try await stack.publish(row)
            let logs = LogWatch()
            try await stack.withWorkers(logger: logs.logger, overriding: [wrong.variable: try wrong.value(secret)]) {
                let isTold = await logs.wait(for: wrong.message) { $0.text.contains(wrong.word) }
                #expect(isTold, "\(logs.text)")
            }
            #expect(!logs.text.contains(secret))
            #expect(stack.events.all.isEmpty)
            #expect(try await stack.waitForReady(stack.names.commands, 1), "the command waits for better times")
            let state = try await stack.store.listAll(prefix: "state/")
            for object in state {
                let bytes = try await stack.store.get(object.key, maximumBytes: 1 << 20).bytes
                #expect(!String(decoding: bytes, as: UTF8.self).contains(secret), "\(object.key)")
            }
            let aftermath = try await stack.aftermath {
                _ = try await stack.events.end(of: row.commandID)
            }
            try await stack.check([row], aftermath)
            try await stack.checkSecrets(aftermath)
        }
    }
}
