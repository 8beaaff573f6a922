// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import AMQP

@Suite struct PublisherCoreTests {
    private let message = AMQPMessage(exchange: "", routingKey: "q", properties: AMQPProperties(), body: [])
    private let hour = Duration.seconds(3600)

    /// Begins a publish and waits until the core has it.
    private func begin(_ core: PublisherCore, timeout: Duration) async -> Task<PublisherCore.Outcome, Never> {
        let before = core.status.outstanding
        let message = message
        let task = Task { await core.publish(message, timeout: timeout) }
        while core.status.outstanding == before { await Task.yield() }
        return task
    }

    private func failure(_ outcome: PublisherCore.Outcome) -> AMQPError? {
        if case .failure(let error) = outcome { error } else { nil }
    }

    @Test func resolvesThePublishThatWasMeant() async throws {
        let core = try PublisherCore(maximumWaiting: 10)
        let first = await begin(core, timeout: hour)
        let second = await begin(core, timeout: hour)
        let one = try #require(core.takePending())
        let two = try #require(core.takePending())
        #expect(core.takePending() == nil)
        core.resolve(two.id, .success(.unroutable(replyText: "r")))
        core.resolve(one.id, .success(.routed))
        core.resolve(one.id, .success(.unroutable(replyText: "late")))
        #expect(await first.value == .success(.routed))
        #expect(await second.value == .success(.unroutable(replyText: "r")))
    }

    @Test func refusesMoreThanItsBound() async throws {
        let core = try PublisherCore(maximumWaiting: 1)
        let first = await begin(core, timeout: hour)
        #expect(failure(await core.publish(message, timeout: hour))?.code == .overloaded)
        core.end()
        #expect(failure(await first.value)?.code == .shutDown)
        #expect(failure(await core.publish(message, timeout: hour))?.code == .shutDown)
    }

    @Test func tellsWhetherAnExpiredPublishWasSent() async throws {
        let core = try PublisherCore(maximumWaiting: 10)
        let sent = await begin(core, timeout: .zero)
        _ = core.takePending()
        let unsent = await begin(core, timeout: .zero)
        let patient = await begin(core, timeout: hour)
        let sentCount = core.expire(at: .now) { AMQPError(.blocked, "blocked") }
        #expect(sentCount == 1)
        let first = try #require(failure(await sent.value))
        #expect(first.code == .confirmTimeout && first.wasSent && first.isRetriable)
        let second = try #require(failure(await unsent.value))
        #expect(second.code == .blocked && !second.wasSent && second.isRetriable)
        #expect(core.status.outstanding == 1)
        #expect(core.takePending() != nil)
        #expect(core.takePending() == nil)
        core.end()
        #expect(failure(await patient.value)?.wasSent == true)
    }

    @Test func cancellationTakesAnUnsentMessageOut() async throws {
        let core = try PublisherCore(maximumWaiting: 1)
        for _ in 0..<3 {
            let task = await begin(core, timeout: hour)
            task.cancel()
            let error = try #require(failure(await task.value))
            #expect(error.code == .cancelled && !error.wasSent)
        }
        #expect(core.takePending() == nil)
    }

    @Test func expiresNothingBeforeItsTime() async throws {
        let core = try PublisherCore(maximumWaiting: 1)
        let task = await begin(core, timeout: hour)
        #expect(core.expire(at: .now) { AMQPError(.blocked, "blocked") } == 0)
        #expect(core.status.outstanding == 1)
        task.cancel()
        _ = await task.value
    }
}
