// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

extension JudgedDeadLetter {
    /// The failure's code, or in parentheses what stands in its place.
    var code: String {
        switch record {
        case .failed: failure?.code.rawValue ?? "(failed)"
        case .completed: "(completed)"
        case .undecided: "(undecided)"
        case .nothing: "(\(letter.deaths.first?.reason ?? "not recorded"))"
        case .unknown: "(unknown)"
        }
    }

    /// Why it is dead, one sentence.
    var reason: String {
        switch record {
        case .failed(let outcome, _, let isOwn, _):
            (outcome.failure?.message ?? "") + (isOwn ? "" : " (of another message of this command)")
        case .completed(let outcome, _, _):
            "its command was carried out: \(outcome.artifact?.location ?? "see the audit record")"
        case .undecided(_, let stage, let owner, _):
            "its command has an undecided run, \(stage)" + (owner.map { ", owned by \($0)" } ?? ", owned by nobody")
        case .nothing: "no worker recorded why; the broker says: \(letter.brokersReason)"
        case .unknown: "why is not to be known now; the broker says: \(letter.brokersReason)"
        }
    }
}

extension DeadLetter {
    /// How the broker came to dead-letter it, in words.
    var brokersReason: String {
        guard let death = deaths.first else { return "nothing" }
        let times = death.count == 1 ? "" : ", \(death.count) times"
        return "\(death.reason) from \(death.queue)\(times)"
    }
}

/// Moments for people.
enum AgeText {
    /// The moment to the second, and how long ago it was: `2026-11-23T01:23:45Z (2h ago)`.
    static func moment(_ moment: Timestamp, now: Timestamp) -> String {
        "\(moment.description.prefix(19))Z (\(age(moment, now: now)))"
    }

    /// How long ago, in the largest unit.
    static func age(_ moment: Timestamp, now: Timestamp) -> String {
        let seconds = Int(now.seconds(since: moment))
        switch seconds {
        case ..<60: return "\(seconds)s ago"
        case ..<3600: return "\(seconds / 60)m ago"
        case ..<172_800: return "\(seconds / 3600)h ago"
        default: return "\(seconds / 86_400)d ago"
        }
    }
}
