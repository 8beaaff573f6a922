// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import Worker

@Suite struct DoctorCheckTests {
    /// Returns only when its task is cancelled.
    @Sendable private static func untilCancelled() async {
        let (stream, _keep) = AsyncStream<Never>.makeStream()
        for await _ in stream {}
        _ = _keep
    }

    /// A clock whose time is over at once.
    private static let impatient = DoctorExamination(limit: .seconds(15)) { _ in }
    /// A clock that stands still.
    private static let patient = DoctorExamination(limit: .seconds(15)) { _ in
        await untilCancelled()
        throw CancellationError()
    }

    private static func failing(_ name: String, needs: [String] = []) -> DoctorCheck {
        DoctorCheck(name, needs: needs) { [.failure(name, "is gone", remedy: "bring it back", exit: .unavailable)] }
    }

    private static func passing(_ name: String, needs: [String] = []) -> DoctorCheck {
        DoctorCheck(name, needs: needs) { [.fine(name, "is there")] }
    }

    @Test func tellsEveryFindingAsItsCheckEnds() async {
        let order = Mutex<[String]>([])
        let checks = ["one", "two"].map { name in
            DoctorCheck(name) {
                order.withLock { $0.append("run \(name)") }
                return [.fine(name, "first"), .fine(name, "second")]
            }
        }
        let findings = await Self.patient.run(checks) { finding in
            order.withLock { $0.append("told \(finding.subject) \(finding.text)") }
        }
        #expect(findings.count == 4)
        #expect(
            order.withLock { $0 } == [
                "run one", "told one first", "told one second", "run two", "told two first", "told two second",
            ])
    }

    @Test func aCheckThatDoesNotEndFailsAndIsCancelled() async {
        let (ended, end) = AsyncStream<Void>.makeStream()
        let stuck = DoctorCheck("stuck") {
            await Self.untilCancelled()
            end.finish()
            return [.fine("stuck", "too late")]
        }
        let findings = await Self.impatient.run([stuck]) { _ in }
        #expect(findings.map(\.state) == [.failure(.unavailable)])
        #expect(findings.first?.text == "did not end within 15s")
        #expect(findings.first?.remedy != nil)
        // Ends only because the check was cancelled.
        for await _ in ended {}
    }

    @Test func whatAStuckCheckLeavesBehindIsTakenAway() async {
        let asked = Mutex<[Duration]>([])
        let tidied = Mutex(false)
        let examination = DoctorExamination(limit: .seconds(7)) { limit in
            let isFirst = asked.withLock { asked in
                asked.append(limit)
                return asked.count == 1
            }
            if isFirst { return }
            await Self.untilCancelled()
            throw CancellationError()
        }
        let stuck = DoctorCheck("stuck", tidy: { tidied.withLock { $0 = true } }) {
            await Self.untilCancelled()
            return []
        }
        _ = await examination.run([stuck]) { _ in }
        #expect(tidied.withLock { $0 })
        #expect(asked.withLock { $0 } == [.seconds(7), .seconds(7)])
    }

    @Test func aStuckTidyingIsNotWaitedForEither() async {
        let stuck = DoctorCheck("stuck", tidy: { await Self.untilCancelled() }) {
            await Self.untilCancelled()
            return []
        }
        let findings = await Self.impatient.run([stuck]) { _ in }
        #expect(findings.map(\.subject) == ["stuck"])
    }

    @Test func nothingIsTidiedAfterACheckThatEnded() async {
        let tidied = Mutex(false)
        let check = DoctorCheck("failing", tidy: { tidied.withLock { $0 = true } }) {
            [.failure("failing", "no", remedy: "yes", exit: .refused)]
        }
        _ = await Self.patient.run([check]) { _ in }
        #expect(!tidied.withLock { $0 })
    }

    @Test func aFailureStopsNoOtherCheck() async {
        let findings = await Self.patient.run([Self.failing("broker"), Self.passing("store")]) { _ in }
        #expect(findings.map(\.subject) == ["broker", "store"])
        #expect(findings.map(\.state) == [.failure(.unavailable), .fine])
    }

    @Test func whatRestsOnAFailureIsSkippedDownTheLine() async {
        let findings = await Self.patient.run([
            Self.failing("broker"), Self.passing("topology", needs: ["broker"]),
            Self.passing("queues", needs: ["topology"]),
        ]) { _ in }
        #expect(findings.map(\.state) == [.failure(.unavailable), .skipped, .skipped])
        #expect(findings.last?.text == "not tried, because of: topology")
    }

    @Test func oneOfSeveralNeedsIsEnough() async {
        let findings = await Self.patient.run([
            Self.failing("broker 1"), Self.passing("broker 2"),
            Self.passing("topology", needs: ["broker 1", "broker 2"]),
        ]) { _ in }
        #expect(findings.last?.state == .fine)
    }

    @Test func aCheckThatHadNothingToTryHoldsBackNone() async {
        let unsure = DoctorCheck("publishing", needs: ["broker"]) { [.skipped("publishing", "may not")] }
        let findings = await Self.patient.run([
            Self.passing("broker"), unsure, Self.passing("announcing", needs: ["publishing"]),
        ]) { _ in }
        #expect(findings.map(\.state) == [.fine, .skipped, .fine])
    }
}
