// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import TestKit

extension SplitMix64 {
    /// Another sequence that follows from this one's seed, so that what one part draws does not change what another
    /// one gets.
    package mutating func split() -> SplitMix64 { SplitMix64(seed: next()) }

    /// True with that probability.
    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    /// A duration between two numbers of milliseconds.
    mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: range, using: &self))
    }
}
