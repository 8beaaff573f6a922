// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
internal import Synchronization

/// One worker process on a `FakeWorld`, with a fuse that crashes it at a chosen call.
package final class FakeWorker: Sendable {
    /// Where a crash falls: before the call has its effect, or after it (the answer is lost).
    package enum Crash: Sendable, Hashable, CaseIterable { case before, after }

    package let world: FakeWorld
    package let instance: String
    package let pipeline: Pipeline
    package let health: DependencyHealth
    private let link: FakeLink

    package init(
        _ instance: String, on world: FakeWorld, crashAt call: Int? = nil, _ crash: Crash = .before,
        pause: (call: Int, gate: FakeGate)? = nil, lateAnswer: (call: Int, gate: FakeGate)? = nil,
        policy: RunPolicy = RunPolicy(),
        observer: any PipelineObserver = SilentObserver(), deliveryLease: Duration? = nil,
        healthPolicy: HealthPolicy = HealthPolicy()
    ) {
        self.world = world
        self.instance = instance
        link = FakeLink(world: world, crashAt: call, crash, pause: pause, lateAnswer: lateAnswer)
        var settings = PipelineSettings(
            instance: instance, worker: "\(instance)/1", actor: "automation_service",
            eventSource: "nlu-export-worker", auditPrefix: "audit/", keyTemplate: FakeWorker.template,
            stateKeys: StateKeys(), commandLimits: CommandLimits(), deliveryLimit: 1000, run: policy,
            lease: LeasePolicy())
        settings.deliveryLease = deliveryLease
        let environment = FakeEnvironment(world: world)
        health = DependencyHealth(policy: healthPolicy, probe: link, environment: environment)
        let parts = PipelineParts(
            exporters: link, artifacts: link, state: link, sinks: [link], events: link,
            environment: environment, observer: observer, health: health)
        pipeline = Pipeline(parts: parts, settings: settings)
    }

    private static let template: ObjectKeyTemplate = {
        do { return try ObjectKeyTemplate(ObjectKeyTemplate.standard) } catch {
            fatalError("the standard template is invalid: \(error)")
        }
    }()

    /// How many calls this worker has made.
    package var calls: Int { link.calls }
    package var hasCrashed: Bool { link.isDead }

    /// Counts a call that is not one of the ports'; false once the worker has crashed.
    func note(_ call: String) -> Bool {
        do throws(StepError) {
            try link.call(call) { $0.journal.append(call) }
            return true
        } catch {
            // A settlement that reached the broker before the crash did settle the message.
            return link.lastCallTookEffect
        }
    }

    /// Hands a message to this worker and waits until it is settled or the worker has crashed.
    @discardableResult
    package func deliver(_ message: IncomingMessage) async -> Settlement? {
        let delivery = FakeDelivery(message, worker: self)
        _ = await pipeline.handle(delivery)
        return delivery.settlement
    }
}

/// Says nothing.
package struct SilentObserver: PipelineObserver {
    package init() {}
    package func note(_ event: PipelineEvent, of subject: PipelineSubject) {}
}
