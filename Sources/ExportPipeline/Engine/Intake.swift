// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The way in: takes deliveries from their source, has the pipeline handle each in a task of its own, and takes none
/// from queues whose commands could only wait.
///
/// Slots are the prefetch: the broker lends no more deliveries than may be worked on at once.
package final class Intake: Sendable {
    private struct State {
        /// Queues that are not consumed now.
        var paused: Set<String> = []
        /// Queues whose every slot was taken by commands of tenants that are out of order.
        var stuck: Set<String> = []
        var isDraining = false
    }

    private let source: any CommandSource
    private let pipeline: Pipeline
    private let health: DependencyHealth
    private let tenants: [String]
    private let environment: any PipelineEnvironment
    private let state = Mutex(State())
    private let news = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameter tenants: all that are configured; where all of them are out of order, nothing is taken at all.
    package init(
        source: any CommandSource, pipeline: Pipeline, health: DependencyHealth, tenants: [String],
        environment: any PipelineEnvironment
    ) {
        self.source = source
        self.pipeline = pipeline
        self.health = health
        self.tenants = tenants
        self.environment = environment
    }

    /// The queues that are not consumed at present because their commands could only wait.
    package var pausedQueues: Set<String> { state.withLock { $0.paused } }

    /// Takes deliveries until the source ends; returns when the last of them is settled.
    package func run() async {
        health.listen { [weak self] change in self?.note(change) }
        pipeline.whenHeldChange { [news] in news.continuation.yield() }
        news.continuation.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.followHealth() }
            group.addTask {
                await self.take()
                self.news.continuation.finish()
            }
        }
    }

    private func note(_ change: HealthChange) {
        if case .closed = change { state.withLock { $0.stuck = [] } }
        news.continuation.yield()
    }

    private func take() async {
        await withDiscardingTaskGroup { group in
            while let delivery = await source.next() {
                group.addTask { _ = await self.pipeline.handle(delivery) }
            }
        }
    }

    /// No new deliveries at once; what only waits is released; transfers may finish within `grace`; then the rest is handed
    /// back. Returns when nothing is in hand any more; the source may be closed then.
    package func drain(grace: Duration, onGraceOver: @escaping @Sendable () -> Void) async {
        state.withLock { $0.isDraining = true }
        await source.pause(Set(source.prefetches.keys))
        pipeline.stop(.soft)
        let deadline = Task {
            try await environment.sleep(grace)
            onGraceOver()
            pipeline.stop(.hard)
        }
        await pipeline.waitUntilIdle()
        deadline.cancel()
        // A probe of the store leaves nothing behind if it is let finish.
        await health.stop(patience: .seconds(5))
    }

    // MARK: Pauses

    private func followHealth() async {
        for await _ in news.stream { await adjust() }
    }

    /// Brings the consumers to where the health of the dependencies wants them.
    private func adjust() async {
        let wanted = queuesToPause()
        let (added, removed) = state.withLock { state -> (Set<String>, Set<String>) in
            guard !state.isDraining else { return ([], []) }
            defer { state.paused = wanted }
            return (wanted.subtracting(state.paused), state.paused.subtracting(wanted))
        }
        if !added.isEmpty { await source.pause(added) }
        if !added.isEmpty || !removed.isEmpty { pipeline.yield(queues: wanted) }
        guard !removed.isEmpty, !state.withLock({ $0.isDraining }) else { return }
        await source.resume(removed)
        // The drain may have paused everything before the resumption reached the source.
        if state.withLock({ $0.isDraining }) { await source.pause(removed) }
    }

    private func queuesToPause() -> Set<String> {
        let all = source.prefetches
        if health.obstacle(for: nil) != nil || tenants.allSatisfy({ health.obstacle(for: $0) != nil }) {
            return Set(all.keys)
        }
        let held = pipeline.heldDeliveries
        let full = all.filter { queue, prefetch in held[queue, default: 0] >= prefetch }
        return state.withLock { state in
            state.stuck.formUnion(full.keys)
            return state.stuck
        }
    }
}
