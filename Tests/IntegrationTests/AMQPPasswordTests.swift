// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import AMQP
import TestKit
import Testing

/// A password that is changed while connections live: the next connection is made with the new one.
extension AMQPBrokerFaultTests {
    @Test func aRotatedPasswordIsReadAgain() async throws {
        let password = Watched("first")
        let user = AMQPTestBroker.uniqueName()
        try await AMQPTestBroker.control("add_user", user, password.value)
        try await AMQPTestBroker.control("set_permissions", user, ".*", ".*", ".*")
        let outcome = await result { try await self.rotate(password, of: user) }
        try await AMQPTestBroker.control("delete_user", user)
        try outcome.get()
    }

    private func rotate(_ password: Watched<String>, of user: String) async throws {
        var configuration = try AMQPTestBroker.configuration()
        configuration.endpoints[0].user = user
        configuration.endpoints[0].password = "never used"
        configuration.password = AMQPPassword(origin: "the vault") { () throws(AMQPError) in
            guard !password.value.isEmpty else {
                throw AMQPError(.passwordUnavailable, "The vault is empty: put the password there.")
            }
            return password.value
        }
        let rotating = configuration
        try await AMQPTestBroker.withQueue { queue in
            try await withConsumer([queue], configuration: rotating) { (consumer, log) async throws in
                #expect(await log.started(queue))
                try await AMQPTestBroker.control("change_password", user, "second")
                try await AMQPTestBroker.control("close_all_connections", "a test")
                #expect(await log.disconnected()?.code == .connectionClosed)

                let refused = try #require(await log.disconnected())
                #expect(refused.code == .refusedCredentials)
                #expect(refused.message.contains("ACCESS_REFUSED for user '\(user)'): check the vault"))
                #expect(!"\(refused)".contains("first"))

                password.update { $0 = "" }
                #expect(await log.next { $0.lost(to: .passwordUnavailable) } != nil)

                password.update { $0 = "second" }
                #expect(await log.started(queue))
                try await AMQPTestBroker.fill(queue, count: 1)
                let delivery = try #require(await consumer.take(1).first)
                #expect(await consumer.settle(delivery.tag, .acknowledge) == .sent)
            }
        }
    }

    /// What came of `body`, so that something can be done in any case.
    private func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}

extension AMQPConnectionEvent {
    fileprivate func lost(to code: AMQPError.Code) -> Bool {
        if case .disconnected(let error) = self { error.code == code } else { false }
    }
}
