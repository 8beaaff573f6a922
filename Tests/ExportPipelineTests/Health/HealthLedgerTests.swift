// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ExportPipeline

/// When refusals are believed, and when the tenant is suspected instead.
@Suite struct HealthLedgerTests {
    private static let notFound = Refusal(stage: .validate, httpStatus: 404)
    private static let forbidden = Refusal(stage: .trigger, httpStatus: 403)

    private func command(_ id: Int, tenant: String = "t") -> ExportCommand {
        ExportCommand(
            commandID: "c\(id)", tenant: tenant, modelID: "m\(id)", version: "1", format: "ONNX", metadata: [:])
    }

    private func ledger() -> HealthLedger { HealthLedger(policy: HealthPolicy()) }

    private func open(_ ledger: inout HealthLedger, tenant: String = "t") {
        _ = ledger.open(Outage(dependency: .tenant(tenant), reason: "r", since: Timestamp(milliseconds: 0)))
    }

    @Test func believesTheFirstAndSuspectsAtTheFifth() {
        var ledger = ledger()
        let verdicts = (1...7).map { ledger.refused(command($0), Self.notFound) }
        #expect(verdicts == [.settle, .settle, .settle, .settle, .settleAndSuspect, .hold, .hold])
    }

    @Test func oneCommandTriedAgainIsOneCommand() {
        var ledger = ledger()
        let verdicts = (1...7).map { _ in ledger.refused(command(1), Self.notFound) }
        #expect(verdicts.allSatisfy { $0 == .settle })
    }

    @Test func aSuccessOfThatStageBetweenThemClearsTheTenant() {
        var ledger = ledger()
        for id in 1...4 { #expect(ledger.refused(command(id), Self.forbidden) == .settle) }
        #expect(ledger.accepted("t", stage: .validate) == false)
        #expect(ledger.accepted("t", stage: .trigger) == false)
        #expect(ledger.refused(command(5), Self.forbidden) == .settle)
    }

    @Test func anotherStageOrStatusBeginsAnew() {
        var ledger = ledger()
        for id in 1...4 { _ = ledger.refused(command(id), Self.forbidden) }
        #expect(ledger.refused(command(5), Self.notFound) == .settle)
        #expect(ledger.refused(command(6), Self.forbidden) == .settle)
    }

    @Test func tenantsAreCountedApart() {
        var ledger = ledger()
        for id in 1...4 { _ = ledger.refused(command(id), Self.notFound) }
        #expect(ledger.refused(command(5, tenant: "u"), Self.notFound) == .settle)
    }

    /// A probe can ask for a version, so refused look-ups are cleared by it; it cannot start an export.
    @Test func afterAPauseTheNextCommandIsATrialWhereNoProbeCouldTell() {
        var ledger = ledger()
        for id in 1...5 { _ = ledger.refused(command(id), Self.forbidden) }
        open(&ledger)
        let closed = ledger.close(.tenant("t"))
        #expect(closed != nil)
        #expect(ledger.refused(command(6), Self.forbidden) == .hold)
        #expect(ledger.accepted("t", stage: .trigger) == true)
        #expect(ledger.refused(command(7), Self.forbidden) == .settle)
    }

    @Test func afterAPauseAProvenTenantIsBelievedAgain() {
        var ledger = ledger()
        for id in 1...5 { _ = ledger.refused(command(id), Self.notFound) }
        open(&ledger)
        _ = ledger.close(.tenant("t"))
        #expect(ledger.refused(command(6), Self.notFound) == .settle)
    }

    @Test func anOutageOfAnotherCauseLeavesAStreakAlone() {
        var ledger = ledger()
        for id in 1...4 { _ = ledger.refused(command(id), Self.forbidden) }
        open(&ledger)
        _ = ledger.close(.tenant("t"))
        #expect(ledger.refused(command(5), Self.forbidden) == .settleAndSuspect)
    }

    @Test func trialsAreTriedAtGrowingDistancesOverAllPauses() {
        var ledger = ledger()
        for id in 1...5 { _ = ledger.refused(command(id), Self.forbidden) }
        var waits: [Duration] = []
        for id in 6...16 {
            waits.append(ledger.nextTrial(of: "t", jitter: 0.5) ?? .zero)
            open(&ledger)
            _ = ledger.close(.tenant("t"))
            _ = ledger.refused(command(id), Self.forbidden)
        }
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        // 46 hours of it stay far below the thousand deliveries a command has.
        #expect(waits.last! > .seconds(600))
    }

    @Test func whoKnowsCanVouchForRefusals() {
        var ledger = ledger()
        for id in 1...5 { _ = ledger.refused(command(id), Self.notFound) }
        ledger.vouch(for: "t")
        for id in 6...20 { #expect(ledger.refused(command(id), Self.notFound) == .settle) }
        _ = ledger.accepted("t", stage: .validate)
        let verdicts = (21...25).map { ledger.refused(command($0), Self.notFound) }
        #expect(verdicts.last == .settleAndSuspect)
    }

    @Test func namesTheBroadestObstacle() {
        var ledger = ledger()
        #expect(ledger.obstacle(for: "t") == nil)
        open(&ledger)
        #expect(ledger.obstacle(for: "t")?.dependency == .tenant("t"))
        #expect(ledger.obstacle(for: "u") == nil)
        #expect(ledger.obstacle(for: nil) == nil)
        _ = ledger.open(Outage(dependency: .objectStore, reason: "r", since: Timestamp(milliseconds: 0)))
        #expect(ledger.obstacle(for: "t")?.dependency == .objectStore)
        #expect(ledger.obstacle(for: nil)?.dependency == .objectStore)
    }

    @Test func timesAndIdsMakeNoNews() {
        var ledger = ledger()
        func told(_ reason: String) -> Bool {
            ledger.open(Outage(dependency: .objectStore, reason: reason, since: Timestamp(milliseconds: 0)))
        }
        #expect(told("refused after 12 ms; check the key (request 18EA9EC7AB4F0613)"))
        #expect(!told("refused after 7 ms; check the key (request 77AB9EC7AB4F0614)"))
        #expect(told("refused after 7 ms; create the bucket (request 77AB9EC7AB4F0614)"))
    }

    @Test func saysOnceWhatAlternates() {
        var ledger = ledger()
        let told = (1...100).map { number in
            ledger.open(
                Outage(
                    dependency: .broker, reason: number % 2 == 0 ? "reset \(number)" : "closed",
                    since: Timestamp(milliseconds: 0)))
        }
        #expect(told.count { $0 } == 2)
        #expect(ledger.outages[.broker]?.reason == "reset 100")
    }

    @Test func saysOnceWhatStaysTheSame() {
        var ledger = ledger()
        let outage = Outage(dependency: .broker, reason: "a", since: Timestamp(milliseconds: 0))
        #expect(ledger.open(outage) == true)
        #expect(ledger.open(outage) == false)
        #expect(ledger.open(Outage(dependency: .broker, reason: "b", since: Timestamp(milliseconds: 9))) == true)
        #expect(ledger.outages[.broker]?.reason == "b")
        #expect(ledger.outages[.broker]?.since == Timestamp(milliseconds: 0))
    }
}
