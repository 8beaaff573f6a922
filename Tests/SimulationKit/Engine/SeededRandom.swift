// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import TestKit

/// Chance that is the same again for the same seed.
package struct SeededRandom: RandomNumberGenerator {
    private var numbers: SplitMix64

    package init(seed: UInt64) { numbers = SplitMix64(scattering: seed) }

    package mutating func next() -> UInt64 { numbers.next() }

    /// Uniform in 0..<count.
    mutating func below(_ count: Int) -> Int { numbers.below(count) }

    /// Uniform in 0..<1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func chance(_ probability: Double) -> Bool { probability > 0 && unit() < probability }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// Uniform between two instants.
    mutating func between(_ low: Instant, _ high: Instant) -> Instant {
        high > low ? low + Instant(next() % UInt64(high - low)) : low
    }

    /// Between two spans of time, each magnitude as likely as the others.
    mutating func magnitude(_ low: Instant, _ high: Instant) -> Instant {
        var span = max(1, low)
        var doublings = 0
        while span < high {
            span *= 2
            doublings += 1
        }
        let base = max(1, low) << Int64(below(max(1, doublings)))
        return min(high, between(base, base * 2))
    }
}

/// Virtual time in microseconds since the beginning of a simulation; spans of time too.
typealias Instant = Int64

extension Instant {
    static let millisecond: Instant = 1000
    static let second: Instant = 1_000_000
    static let minute: Instant = 60_000_000

    /// The span as the code under test knows it.
    var duration: Duration { .microseconds(self) }

    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }

    /// The instant as traces show it, in seconds.
    var text: String {
        let milliseconds = self / 1000
        return "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"
    }
}
