// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Chance that is the same again for the same seed (SplitMix64).
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// Seeds that lie side by side begin far apart: the sequence adds the same number in each step, so that they would be
    /// the same sequence otherwise, one step ahead.
    package init(seed: UInt64) { state = Self.mixed(Self.mixed(seed) ^ 0x1234_5678_9ABC_DEF1) }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in 0..<count.
    mutating func below(_ count: Int) -> Int { count <= 1 ? 0 : Int(next() % UInt64(count)) }

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
