// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import PipelineTestKit
import Testing

/// What one step's trouble comes to: the failure policy, played against the whole pipeline.
@Suite struct PipelineFailureTests {
    struct Row: Sendable, CustomStringConvertible {
        let name: String
        let code: FailureCode
        let stage: Stage
        let prepare: @Sendable (inout FakeWorld.State) -> Void
        var description: String { name }
    }

    static func errors(_ kind: StepError.Kind, _ count: Int) -> [StepError] {
        Array(repeating: StepError(kind, "trouble"), count: count)
    }

    static let permanent: [Row] = [
        .init(name: "not trained", code: .modelNotTrained, stage: .validate) {
            $0.versionStatuses = [.notTrained("DRAFT")]
        },
        .init(name: "no status", code: .modelNotTrained, stage: .validate) { $0.versionStatuses = [.notTrained(nil)] },
        .init(name: "training never ends", code: .modelNotTrained, stage: .validate) {
            $0.versionStatuses = Array(repeating: .trainingUnderWay("TRAINING"), count: 1000)
        },
        .init(name: "model not found", code: .modelNotFound, stage: .validate) {
            $0.failures["status"] = errors(.permanent(.modelNotFound), 1)
        },
        .init(name: "permission denied", code: .permissionDenied, stage: .trigger) {
            $0.failures["trigger"] = errors(.permanent(.permissionDenied), 1)
        },
        .init(name: "trigger never answers", code: .exportRefused, stage: .trigger) {
            $0.failures["trigger"] = errors(.ambiguous, 100)
        },
        .init(name: "job failed", code: .exportFailed, stage: .poll) { $0.jobStatuses = [.failed(message: "no")] },
        .init(name: "unknown status", code: .unexpectedJobStatus, stage: .poll) { $0.jobStatuses = [.unknown("ZZ")] },
        .init(name: "never ends", code: .jobTimeout, stage: .poll) { $0.pollsPerJob = 100_000 },
        .init(name: "no link", code: .exportFailed, stage: .poll) {
            $0.jobStatuses = Array(repeating: .completed(nil), count: 3)
        },
        .init(name: "poll refused", code: .exportFailed, stage: .poll) {
            $0.failures["poll"] = errors(.transient(limit: 5, thenFailsWith: .exportFailed), 6)
        },
        .init(name: "job always gone", code: .exportLost, stage: .poll) { $0.failures["poll"] = errors(.gone, 3) },
        .init(name: "artifact damaged", code: .artifactUnreadable, stage: .transfer) {
            $0.failures["complete"] = errors(.unreadable, 5)
        },
        .init(name: "link refused", code: .artifactUnreadable, stage: .transfer) {
            $0.failures["complete"] = errors(.linkExpired(notFound: false), 5)
        },
        .init(name: "artifact gone", code: .exportLost, stage: .transfer) {
            $0.failures["complete"] = errors(.linkExpired(notFound: true), 6)
        },
        .init(name: "too large", code: .artifactTooLarge, stage: .transfer) {
            $0.failures["complete"] = errors(.permanent(.artifactTooLarge), 1)
        },
        .init(name: "not encrypted", code: .storageRefused, stage: .verify) { $0.reportsEncryption = false },
        .init(name: "retries exhausted", code: .retriesExhausted, stage: .validate) {
            $0.failures["status"] = errors(.transient(), 20)
        },
    ]

    /// "Still under way" is as old as the question: a process that slept over the answer asks again before it gives up.
    @Test func aDeadlineDoesNotRunOutOnAnOldAnswer() async {
        let world = FakeWorld()
        world.with {
            $0.pollsPerJob = 2
            $0.sleepsOverPolls = [.zero, .seconds(3 * 3600)]
        }
        #expect(await FakeWorker("a", on: world, policy: patient).deliver(message()) == .acknowledge)
        #expect(world.snapshot.triggers.count == 1)
    }

    @Test(arguments: permanent)
    func rejectsAfterAuditAndEvent(_ row: Row) async {
        let world = FakeWorld()
        world.with { row.prepare(&$0) }
        let worker = FakeWorker("a", on: world, policy: patient)
        #expect(await worker.deliver(message()) == .reject)
        let state = world.snapshot
        #expect(state.journal.suffix(3) == ["audit", "announce", "settle reject"])
        #expect(state.events.map(\.kind) == [.failed])
        #expect(state.openUploads.isEmpty)
        let body = String(decoding: state.events.first?.body ?? [], as: UTF8.self)
        #expect(body.contains(#""code":"\#(row.code.rawValue)""#), "\(body)")
        #expect(body.contains(#""stage":"\#(row.stage.rawValue)""#), "\(body)")
    }

    /// What the audit record says of the scope is what the API answered last, not what it answered before.
    @Test func aRefusalForWantOfAPermissionDisprovesTheScope() async {
        for (status, isValidated) in [(403, false), (409, true)] {
            let world = FakeWorld()
            world.with { $0.failures["trigger"] = [StepError(.permanent(.exportRefused), "no", httpStatus: status)] }
            #expect(await FakeWorker("a", on: world, policy: patient).deliver(message()) == .reject)
            let record = String(decoding: world.snapshot.audits.first?.value ?? [], as: UTF8.self)
            #expect(record.contains(#""scope_validated":\#(isValidated),"version_constrained":true"#), "\(record)")
        }
    }

    @Test func aLostExportNamesTheStatus() async {
        let world = FakeWorld()
        let gone = StepError(.gone, "no such job", httpStatus: 404)
        world.with { $0.failures["poll"] = [gone, gone, gone] }
        #expect(await FakeWorker("a", on: world, policy: patient).deliver(message()) == .reject)
        let body = String(decoding: world.snapshot.events.first?.body ?? [], as: UTF8.self)
        #expect(body.contains(#""httpStatus":404"#), "\(body)")
    }

    /// Holds on for ever, so that attempts and not `holdFor` end a streak of retries; its health never gives up either.
    private var patient: RunPolicy {
        var policy = RunPolicy()
        policy.holdFor = .seconds(1_000_000)
        policy.retryMax = .seconds(2)
        return policy
    }

    static let passing: [Row] = [
        .init(name: "trained in the end", code: .modelNotTrained, stage: .validate) {
            $0.versionStatuses = [.trainingUnderWay("TRAINING"), .trained]
        },
        .init(name: "throttled a hundred times", code: .exportFailed, stage: .poll) {
            $0.failures["poll"] = errors(.throttled(retryAfter: .seconds(5)), 100)
        },
        .init(name: "trigger answer lost twice", code: .exportRefused, stage: .trigger) {
            $0.failures["trigger"] = errors(.ambiguous, 2)
        },
        .init(name: "job lost once", code: .exportLost, stage: .poll) { $0.failures["poll"] = errors(.gone, 1) },
        .init(name: "damaged four times", code: .artifactUnreadable, stage: .transfer) {
            $0.failures["complete"] = errors(.unreadable, 4)
        },
        .init(name: "audit refused ten times", code: .storageRefused, stage: .audit) {
            $0.failures["audit"] = errors(.transient(), 10)
        },
        .init(name: "event nacked ten times", code: .storageRefused, stage: .announce) {
            $0.failures["announce"] = errors(.transient(), 10)
        },
        .init(name: "state store refuses ten times", code: .storageRefused, stage: .receive) {
            $0.failures["write"] = errors(.transient(), 10)
        },
    ]

    @Test(arguments: passing)
    func survives(_ row: Row) async {
        let world = FakeWorld()
        world.with { row.prepare(&$0) }
        #expect(await FakeWorker("a", on: world, policy: patient).deliver(message()) == .acknowledge)
        #expect(world.snapshot.audits.count == 1)
        #expect(world.snapshot.events.map(\.kind) == [.completed])
    }

    /// An outage may end while the last try waits for its answer: it is looked for before that try, not only after it.
    @Test func aTenantIsProbedBeforeTheLastTry() async {
        for isOut in [true, false] {
            let world = FakeWorld()
            world.with { state in
                state.failures["trigger"] = Self.errors(.ambiguous, RunPolicy().triggerRepeats + 1)
                if isOut { state.failures["probe \(Dependency.tenant("default"))"] = [Self.outage] }
            }
            let settled = await FakeWorker("a", on: world, policy: patient).deliver(message())
            #expect(settled == (isOut ? .acknowledge : .reject))
            #expect(world.snapshot.journal.filter { $0 == "probe" }.count == (isOut ? 1 : 2))
        }
    }

    private static let outage = StepError(.surroundings(.tenant("default")), "no answer")

    /// The probe shows a tenant, or a store, that serves everybody but this command.
    @Test(arguments: [
        ("status", Dependency.tenant("default"), FailureCode.permissionDenied),
        ("complete", .objectStore, .storageRefused),
    ])
    func aRefusalOfThisCommandAloneFailsIt(call: String, dependency: Dependency, code: FailureCode) async {
        let world = FakeWorld()
        world.with {
            $0.failures[call] = Array(
                repeating: StepError(.surroundings(dependency), "refused", httpStatus: 403), count: 100_000)
        }
        #expect(await FakeWorker("a", on: world).deliver(message()) == .reject)
        let records = world.snapshot.audits.values.map { String(decoding: $0, as: UTF8.self) }
        #expect(records.count == 1 && records.allSatisfy { $0.contains(code.rawValue) })
    }

    @Test func auditThatStaysImpossibleHandsTheCommandBack() async {
        let world = FakeWorld()
        world.with { $0.failures["audit"] = Self.errors(.transient(), 100_000) }
        #expect(await FakeWorker("a", on: world).deliver(message()) == .requeue)
        #expect(!world.snapshot.journal.contains("settle acknowledge"))
        world.with { $0.failures = [:] }
        #expect(await FakeWorker("a2", on: world).deliver(message(isRedelivered: true)) == .acknowledge)
        #expect(world.snapshot.triggers.count == 1)
    }

    @Test func replayOfAFailureIsANewRun() async {
        let world = FakeWorld()
        world.with { $0.jobStatuses = [.failed(message: "no")] }
        #expect(await FakeWorker("a", on: world).deliver(message()) == .reject)
        #expect(await FakeWorker("a", on: world).deliver(message(isRedelivered: true)) == .reject)
        #expect(world.snapshot.triggers.count == 1)
        var replay = message()
        replay.headers["nlu-replay"] = "0b8f7c62-0000-4000-8000-000000000001"
        #expect(await FakeWorker("a", on: world).deliver(replay) == .acknowledge)
        #expect(Set(world.snapshot.triggers).count == 2)
        #expect(world.snapshot.events.map(\.kind) == [.failed, .failed, .completed])
    }

    @Test func otherContentUnderTheSameIDIsRefusedAndTouchesNothing() async {
        let world = FakeWorld()
        await FakeWorker("a", on: world).deliver(message())
        let before = world.snapshot
        #expect(await FakeWorker("b", on: world).deliver(message(model: "other", messageID: "msg-2")) == .reject)
        let after = world.snapshot
        #expect(after.objects == before.objects)
        #expect(after.triggers == before.triggers)
        let key = "state/default/c1.json"
        #expect(after.documents[key] == before.documents[key])
        #expect(
            after.events.last.map { String(decoding: $0.body, as: UTF8.self) }?.contains("command_id_conflict") == true)
    }

    @Test func invalidCommandIsRecordedOnceHoweverOftenItComes() async {
        let world = FakeWorld()
        let garbage = IncomingMessage(body: Array("not json".utf8), messageID: "m")
        #expect(await FakeWorker("a", on: world).deliver(garbage) == .reject)
        #expect(await FakeWorker("b", on: world).deliver(garbage) == .reject)
        let state = world.snapshot
        #expect(state.audits.count == 1)
        #expect(Set(state.events.map(\.id)).count == 1)
        #expect(state.documents.keys.filter { $0.hasPrefix("state/_invalid/") }.count == 1)
    }

    @Test func newerSchemaHoldsTheCommand() async {
        let world = FakeWorld()
        world.with {
            $0.documents["state/default/c1.json"] = StateDocument(bytes: Array(#"{"schema":99}"#.utf8), version: "x")
        }
        let worker = FakeWorker("a", on: world)
        async let settled = worker.deliver(message())
        while world.with({ $0.now }) < .seconds(300) { await Task.yield() }
        worker.pipeline.stop(.soft)
        #expect(await settled == .requeue)
        #expect(world.snapshot.triggers.isEmpty)
    }

    @Test func softStopReleasesARunThatWaits() async {
        let world = FakeWorld()
        world.with { $0.pollsPerJob = 1_000_000 }
        let worker = FakeWorker("a", on: world)
        async let settled = worker.deliver(message())
        while world.with({ $0.polls }) < 3 { await Task.yield() }
        worker.pipeline.stop(.soft)
        #expect(await settled == .requeue)
        let bytes = world.snapshot.documents["state/default/c1.json"]?.bytes ?? []
        let checkpoint = try? CheckpointCodec.decode(bytes)
        #expect(checkpoint?.owner == nil)
        #expect(checkpoint?.stage == .triggered)
        world.with { $0.jobs[0].pollsLeft = 0 }
        #expect(await FakeWorker("b", on: world).deliver(message(isRedelivered: true)) == .acknowledge)
        #expect(world.snapshot.triggers.count == 1)
    }
}
