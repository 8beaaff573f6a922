// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Tells from readings taken at regular ticks which loop has stopped turning.
///
/// It counts the ticks of whoever asks, never the time of day: a process that was stopped, or whose machine slept, has
/// missed ticks of its own as well and is not taken for one that hangs.
struct StallDetector {
    private struct Watched {
        let limit: Int
        var reading: UInt64?
        var quiet = 0
    }

    private var loops: [Watched]

    /// One limit for each loop: so many ticks without a change are too many.
    init(limits: [Int]) {
        loops = limits.map { Watched(limit: max(1, $0)) }
    }

    /// For each loop, how many ticks it has not turned for.
    var quiet: [Int] { loops.map(\.quiet) }

    /// Takes the readings of one tick, in the order of the limits; nil for a loop that has nothing to do now. Returns
    /// the first loop that has been quiet for too long.
    mutating func tick(_ readings: [UInt64?]) -> Int? {
        for (index, reading) in zip(loops.indices, readings) {
            let hasTurned = reading == nil || reading != loops[index].reading
            loops[index].quiet = hasTurned ? 0 : loops[index].quiet + 1
            loops[index].reading = reading
        }
        return loops.firstIndex { $0.quiet >= $0.limit }
    }
}
