// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Everything that happened in a simulation, in order: as lines to read where they are asked for, and always as one
/// number that tells two runs apart.
final class Trace {
    let isKept: Bool
    private(set) var lines: [String] = []
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

    init(isKept: Bool) { self.isKept = isKept }

    /// Notes what happened; the text is made only where it is kept.
    func note(_ time: Instant, _ code: StaticString, _ subject: Int, _ text: @autoclosure () -> String) {
        mix(UInt64(bitPattern: time))
        mix(UInt64(truncatingIfNeeded: subject))
        mix(UInt64(code.utf8CodeUnitCount))
        guard isKept else { return }
        let stamp = time.text
        lines.append(String(repeating: " ", count: max(0, 10 - stamp.count)) + stamp + "  " + text())
    }

    private func mix(_ value: UInt64) {
        digest = (digest ^ value) &* 0x100_0000_01B3
        digest ^= digest >> 29
    }
}
