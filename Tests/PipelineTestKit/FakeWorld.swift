// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
internal import Synchronization

/// Everything outside the workers, in memory: the bucket with its state documents, one tenant, the exchange and the
/// audit records. Workers look at it through a `FakeWorker`.
package final class FakeWorld: Sendable {
    package struct Job: Sendable, Hashable {
        package let job: ExportJob
        package let runID: String
        package var pollsLeft: Int
    }

    package struct StoredObject: Sendable, Hashable {
        package var artifact: StoredArtifact
        package var isEncrypted: Bool
    }

    /// Everything that happened, in order, as short words for assertions.
    package struct State: Sendable {
        package var documents: [String: StateDocument] = [:]
        package var versions = 0
        package var jobs: [Job] = []
        /// Run ids of every trigger call that reached the tenant, repeats included.
        package var triggers: [String] = []
        package var objects: [String: StoredObject] = [:]
        package var openUploads: Set<String> = []
        package var audits: [String: [UInt8]] = [:]
        package var auditWrites = 0
        package var events: [ExportEvent] = []
        package var journal: [String] = []
        package var reads = 0
        package var heads = 0
        package var polls = 0
        package var now: Duration = .zero
        package var ids = 0
        // What the tenant and the store answer.
        package var versionStatuses: [VersionStatus] = []
        package var pollsPerJob = 1
        /// How long the processes sleep between the answer to each of the next polls and its arrival.
        package var sleepsOverPolls: [Duration] = []
        package var isMultipart = true
        package var reportsEncryption = true
        package var failures: [String: [StepError]] = [:]
        /// Dependencies that are out of order, and until when: calls to them and probes of them fail.
        package var down: [Dependency: Duration] = [:]
        package var tenants = ["default"]
        package var jobStatuses: [JobStatus] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func isDown(_ dependency: Dependency) -> Bool { state.withLock { $0.isDown(dependency) } }

    package func with<Value: Sendable>(_ body: (inout sending State) -> sending Value) -> Value {
        state.withLock { body(&$0) }
    }

    package var snapshot: State { state.withLock { $0 } }

    /// Makes the next call of that name fail with these errors, one a call.
    package func fail(_ call: String, with errors: StepError...) {
        state.withLock { $0.failures[call, default: []] += errors }
    }
}

extension FakeWorld.State {
    func isDown(_ dependency: Dependency) -> Bool { down[dependency].map { now < $0 } ?? false }
}

/// Virtual time that jumps forward by whatever somebody sleeps.
package struct FakeEnvironment: PipelineEnvironment {
    package let world: FakeWorld

    package init(world: FakeWorld) { self.world = world }

    package func now() -> Duration { world.with { $0.now } }

    package func date() -> Timestamp {
        Timestamp(milliseconds: 1_763_000_000_000 + now().components.seconds * 1000)
    }

    package func jitter() -> Double { 0.5 }

    package func uniqueID() -> String {
        world.with { state in
            state.ids += 1
            return "id-\(state.ids)"
        }
    }

    package func sleep(_ duration: Duration) async throws(CancellationError) {
        if Task.isCancelled { throw CancellationError() }
        world.with { $0.now += duration }
        await Task.yield()
    }
}

/// A delivery that remembers how it was settled.
package final class FakeDelivery: Delivery {
    package let message: IncomingMessage
    package let queue = "commands"
    private let worker: FakeWorker
    private let outcome = Mutex<Settlement?>(nil)

    package init(_ message: IncomingMessage, worker: FakeWorker) {
        self.message = message
        self.worker = worker
    }

    package var settlement: Settlement? { outcome.withLock { $0 } }

    package func settle(_ settlement: Settlement) async -> Bool {
        guard worker.note("settle \(settlement)") else { return false }
        outcome.withLock { $0 = settlement }
        return true
    }
}
