// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How often what interests happened, to know that it does.
package struct Seen: Sendable, Hashable {
    /// What is counted, as reports name it.
    package enum Sight: String, Sendable, CaseIterable {
        case crashes, freezes, drains
        case linesCut = "lines cut"
        case consumerTimeouts = "consumer timeouts"
        case staleSettlements = "stale settlements"
        case handedBack = "deliveries handed back"
        case pauses
        case decisions
        case takeOvers = "take-overs"
        case deadOwners = "owners found dead"
        case newRuns = "new runs"
        case triggers
        case repeatedTriggers = "repeated triggers"
        case deadLetters = "dead letters"
        case vanished = "vanished objects"
    }

    private var counts = [Int](repeating: 0, count: Sight.allCases.count)

    package init() {}

    package subscript(_ sight: Sight) -> Int { counts[sight.index] }

    mutating func add(_ sight: Sight) { counts[sight.index] += 1 }

    package static func += (left: inout Seen, right: Seen) {
        for index in left.counts.indices { left.counts[index] += right.counts[index] }
    }
}

extension Seen.Sight {
    fileprivate var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
