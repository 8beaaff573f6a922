// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import ExportPipeline
import Testing

@testable import Worker

@Suite struct DoctorReportTests {
    private static func failure(_ exit: WorkerExit) -> DoctorFinding {
        .failure("thing", "broken", remedy: "mend it", exit: exit)
    }

    @Test(
        arguments: [
            ([], .success), ([.unavailable], .unavailable), ([.unavailable, .refused], .refused),
            ([.refused, .configuration, .unavailable], .configuration), ([.unavailable, .internal], .unavailable),
            ([.internal], .internal),
        ] as [([WorkerExit], WorkerExit)])
    func theGravestFailureDecides(_ exits: [WorkerExit], _ expected: WorkerExit) {
        #expect(DoctorReport(findings: exits.map(Self.failure)).exit == expected)
        #expect(DoctorReport(findings: exits.reversed().map(Self.failure)).exit == expected)
    }

    @Test func warningsAndSkipsAreNoFailure() {
        let findings: [DoctorFinding] = [
            .fine("a", "there"), .warning("b", "slow", remedy: "look"), .skipped("c", "not known"),
        ]
        #expect(DoctorReport(findings: findings).exit == .success)
        #expect(DoctorReport(findings: findings).summary == "1 ok, 1 warning, 0 failed, 1 skipped")
        #expect(DoctorReport(findings: [Self.failure(.refused)]).summary == "0 ok, 0 warnings, 1 failed")
    }

    @Test func theRemedyStandsBelow() {
        #expect(DoctorReport.lines(.fine("bucket", "is there")) == ["ok    bucket: is there"])
        #expect(
            DoctorReport.lines(.warning("queue q", "3 dead letters", remedy: "look at them")) == [
                "warn  queue q: 3 dead letters", "      → look at them",
            ])
        #expect(DoctorReport.lines(Self.failure(.refused)) == ["FAIL  thing: broken", "      → mend it"])
        #expect(DoctorReport.lines(.skipped("x", "not tried")) == ["skip  x: not tried"])
    }

    @Test func aFindingStaysOnItsLine() {
        let finding = DoctorFinding.failure("t\u{1B}[31m", "one\ntwo", remedy: "a\r\nb", exit: .unavailable)
        let lines = DoctorReport.lines(finding)
        #expect(lines == ["FAIL  t\\u{1B}[31m: one\\ntwo", "      → a\\r\\nb"])
    }

    @Test func scriptsGetOneDocument() throws {
        let report = DoctorReport(findings: [.fine("a", "there"), Self.failure(.refused), .skipped("c", "not tried")])
        let document = try StrictJSON.parse(Array(report.document.utf8))
        let checks = try #require(document["checks"]?.array)
        #expect(checks.map { $0["check"]?.string } == ["a", "thing", "c"])
        #expect(checks.map { $0["state"]?.string } == ["ok", "fail", "skip"])
        #expect(checks.map { $0["found"]?.string } == ["there", "broken", "not tried"])
        #expect(checks.map { $0["remedy"]?.string } == [nil, "mend it", nil])
        #expect(document["exit"]?.int == 77)
    }
}
