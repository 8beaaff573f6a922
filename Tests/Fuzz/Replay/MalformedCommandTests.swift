// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct MalformedCommandTests {
    /// No crash, each refused with a reason; what survives its accident obeys every rule. (`ops/fuzz --commands` takes
    /// the same ones tenfold and more, in an optimised build.)
    @Test func refusesTenThousand() throws {
        let tally = try MalformedCommands.run(count: 10_000, seed: 1)
        #expect(tally.refused >= 9_000)
        #expect(tally.accepted >= 50, "accidents that leave nothing legal test nothing but the first rule")
        #expect(tally.reasons.count >= 100)
    }

    @Test func makesTheSameOnesEachTime() throws {
        let first = try MalformedCommands.run(count: 200, seed: 9)
        let second = try MalformedCommands.run(count: 200, seed: 9)
        #expect(first == second)
    }
}
