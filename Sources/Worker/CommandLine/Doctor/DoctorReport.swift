// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// The findings as people and as scripts read them, and how the command ends by them.
struct DoctorReport: Sendable {
    let findings: [DoctorFinding]

    /// The gravest failure decides: a wrong configuration has to be mended before anything else can be judged, refused
    /// credentials before what lies behind them.
    var exit: WorkerExit {
        let exits = Set(
            findings.compactMap { finding -> WorkerExit? in
                if case .failure(let exit) = finding.state { exit } else { nil }
            })
        if exits.isEmpty { return .success }
        return [.configuration, .refused, .unavailable].first(where: exits.contains) ?? .internal
    }

    /// The lines of one finding: what was found, and below it what to do.
    static func lines(_ finding: DoctorFinding) -> [String] {
        let first = "\(finding.state.word.padded(to: 4))  \(finding.subject): \(finding.text)"
        return [first] + (finding.remedy.map { ["      → \($0)"] } ?? [])
    }

    /// The last line: `9 ok, 1 warning, 2 failed, 3 skipped`.
    var summary: String {
        let warnings = count { $0.state == .warning }
        let skipped = count { $0.state == .skipped }
        var text = "\(count { $0.state == .fine }) ok, \(warnings) warning\(warnings == 1 ? "" : "s")"
        text += ", \(count(where: \.isFailure)) failed"
        return skipped == 0 ? text : text + ", \(skipped) skipped"
    }

    /// `{"checks":[{"check":…,"state":…,"found":…,"remedy":…}],"exit":…}`
    var document: String {
        let checks = findings.map { finding in
            JSONValue.object(
                JSONObject([
                    "check": .string(finding.subject), "state": .string(finding.state.word.lowercased()),
                    "found": .string(finding.text), "remedy": finding.remedy.map(JSONValue.string),
                ]))
        }
        return JSONWriter.string(
            of: .object(JSONObject(["checks": .array(checks), "exit": .integer(Int(exit.rawValue))])))
    }

    private func count(where matches: (DoctorFinding) -> Bool) -> Int { findings.count(where: matches) }
}

extension DoctorFinding.State {
    /// As the line begins; failures stand out.
    var word: String {
        switch self {
        case .fine: "ok"
        case .warning: "warn"
        case .failure: "FAIL"
        case .skipped: "skip"
        }
    }
}
