// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import AMQP
internal import ExportPipeline
internal import HTTPTransport
internal import Logging
internal import ServiceLifecycle

/// The publishing connection; stopped after the last event was confirmed.
struct PublishService: Service {
    let publisher: AMQPPublisher
    let logger: Logger

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await publisher.run() }
            group.addTask { for await event in publisher.events { logger.note(event, connection: "publisher") } }
            group.addTask {
                do { try await gracefulShutdown() } catch {}
                await publisher.shutdown()
            }
            await group.waitForAll()
        }
    }
}

/// Renews the lease while this process lives and removes it at a clean exit.
struct LeaseService: Service {
    let keeper: LeaseKeeper
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await keeper.run { error in
                logger.warning("the lease could not be renewed", metadata: [LogKey.error: "\(error)"])
            }
        }
        do throws(StepError) {
            try await keeper.removeUncancelled()
        } catch {
            // Others find the lease unchanged and take over after its expiry.
            logger.notice("the lease could not be removed", metadata: [LogKey.error: "\(error)"])
        }
    }
}

extension LeaseKeeper {
    /// Removes the lease even where the task that asks is already cancelled, but gives up after a few seconds: a store
    /// that does not answer must not keep the process from ending, and the lease runs out by itself.
    func removeUncancelled(within bound: Duration = .seconds(5)) async throws(StepError) {
        let removal = Task { () -> Result<Void, StepError> in
            do throws(StepError) { return .success(try await self.remove()) } catch { return .failure(error) }
        }
        let timer = Task {
            try await Task.sleep(for: bound)
            removal.cancel()
        }
        defer { timer.cancel() }
        try await removal.value.get()
    }
}

/// Keeps the HTTP client until everything that uses it has stopped.
struct HTTPService: Service {
    let client: HTTPClient

    func run() async throws {
        do { try await gracefulShutdown() } catch {}
        await client.shutdown()
    }
}
