// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Synchronization

/// How often a worker says that it lives, and when others may believe that it does not.
package struct LeasePolicy: Sendable, Hashable {
    package var renew: Duration = .seconds(15)
    package var expiry: Duration = .seconds(60)

    package init() {}
}

/// What a worker writes about itself; only that it changes matters to others.
struct LeaseDocument: Codable {
    var schema = 1
    let instance: String
    let worker: String
    let startedAt: Timestamp
    let renewals: Int
}

/// Renews the lease object of this process until it is told to stop.
package final class LeaseKeeper: Sendable {
    private let store: any StateStore
    private let key: String
    private let instance: String
    private let worker: String
    private let policy: LeasePolicy
    private let environment: any PipelineEnvironment
    private let startedAt: Timestamp
    private let renewals = Atomic<Int>(0)
    private let isRunning = Atomic<Bool>(false)
    private let version = Mutex<String?>(nil)

    package init(
        store: any StateStore, key: String, instance: String, worker: String, policy: LeasePolicy,
        environment: any PipelineEnvironment
    ) {
        self.store = store
        self.key = key
        self.instance = instance
        self.worker = worker
        self.policy = policy
        self.environment = environment
        startedAt = environment.date()
    }

    /// Writes the lease once. Instance names are unique: nobody else writes this key, so a conflict is an own write whose
    /// answer was lost, and the next renewal goes on from what is there.
    package func renew() async throws(StepError) {
        let document = LeaseDocument(
            instance: instance, worker: worker, startedAt: startedAt,
            renewals: renewals.add(1, ordering: .relaxed).newValue)
        let bytes: [UInt8]
        do {
            bytes = Array(try JSONEncoder().encode(document))
        } catch {
            throw StepError(.transient(), "the lease cannot be written: \(error)")
        }
        let condition = version.withLock { $0 }.map(WriteCondition.version) ?? .absent
        // Never cut short by a cancelled task: a write that was given up half-way could land after `remove`.
        let result = try await uncut { [store, key] () async throws(StepError) in
            try await store.write(bytes, to: key, if: condition)
        }
        switch result {
        case .written(let tag): version.withLock { $0 = tag }
        case .conflict:
            let found = try await store.read(key)
            version.withLock { $0 = found?.version }
        }
    }

    /// Renewals begun so far, whatever became of them: a store that is down does not stop the counting, a loop that
    /// hangs does. Nil while nobody runs the loop.
    package var begun: UInt64? {
        isRunning.load(ordering: .relaxed) ? UInt64(renewals.load(ordering: .relaxed)) : nil
    }

    /// Renews for ever, every `lease.renew`; returns when the task is cancelled. Failures are told and tried again.
    package func run(onFailure: @Sendable (StepError) -> Void) async {
        isRunning.store(true, ordering: .relaxed)
        defer { isRunning.store(false, ordering: .relaxed) }
        while !Task.isCancelled {
            do throws(StepError) {
                try await renew()
            } catch  where !Task.isCancelled {
                onFailure(error)
            } catch {}
            do {
                try await environment.sleep(policy.renew)
            } catch {
                return
            }
        }
    }

    /// Removes the lease at a clean exit, after every run was released.
    package func remove() async throws(StepError) { try await store.delete(key) }
}

/// Tells whether another worker lives, by watching whether its lease object changes on this process's own clock.
///
/// Clocks are never compared across hosts: an owner is dead when no change was seen for `lease.expiry`, counted from the
/// first look. A missing object counts as unchanged since it was first missed.
final class OwnerWatch: Sendable {
    private struct Sighting {
        var version: String?
        var since: Duration
        var lastLook: Duration
    }

    private let store: any StateStore
    private let policy: LeasePolicy
    private let environment: any PipelineEnvironment
    private let key: @Sendable (_ instance: String) -> String
    private let sightings = Mutex<[String: Sighting]>([:])

    init(
        store: any StateStore, policy: LeasePolicy, environment: any PipelineEnvironment,
        key: @escaping @Sendable (_ instance: String) -> String
    ) {
        self.store = store
        self.policy = policy
        self.environment = environment
        self.key = key
    }

    /// Whether `owner` has shown no sign of life for `lease.expiry`.
    func isDead(_ owner: String) async throws(StepError) -> Bool {
        let now = environment.now()
        let known = sightings.withLock { $0[owner] }
        if let known, now - known.lastLook < policy.renew, now - known.since < policy.expiry { return false }
        let version = try await store.read(key(owner))?.version
        // What was read is no older than the call, and no newer than its answer: a slow answer, or a process that slept
        // over it, must not make the span in which nothing changed look longer than it was.
        let answered = environment.now()
        return sightings.withLock { sightings in
            forgetOld(&sightings, now)
            guard var sighting = sightings[owner], sighting.version == version else {
                sightings[owner] = Sighting(version: version, since: answered, lastLook: now)
                return false
            }
            sighting.lastLook = now
            sightings[owner] = sighting
            return now - sighting.since >= policy.expiry
        }
    }

    /// Owners nobody asked about for long are forgotten, so that the table stays as small as the fleet.
    private func forgetOld(_ sightings: inout [String: Sighting], _ now: Duration) {
        guard sightings.count > 256 else { return }
        sightings = sightings.filter { now - $0.value.lastLook < policy.expiry * 10 }
    }
}
