// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// How large each part of an upload is, so that 10,000 parts suffice.
struct PartPlan: Sendable, Hashable {
    /// S3's limit.
    static let maximumParts = 10_000
    /// With an unknown length the size doubles after so many parts.
    static let growthInterval = 1_000

    private let base: Int
    private let maximum: Int
    private let isFixed: Bool

    /// `tooLarge` where not even the largest parts hold what is announced.
    init(announced: Int?, base: Int, maximum: Int) throws(S3Error) {
        guard let announced else {
            (self.base, self.maximum, isFixed) = (min(base, maximum), maximum, false)
            return
        }
        let least = (announced + Self.maximumParts - 1) / Self.maximumParts
        // Whole pages, so that buffers of different transfers fit each other.
        let needed = (least + 4095) / 4096 * 4096
        guard needed <= maximum else {
            throw S3Error(
                .tooLarge,
                "\(announced) bytes do not fit into \(Self.maximumParts) parts of at most \(maximum) bytes; raise the "
                    + "memory budget or transfer fewer at once.")
        }
        (self.base, self.maximum, isFixed) = (max(base, needed), maximum, true)
    }

    /// The size of the part with this number, from 1.
    func size(ofPart number: Int) -> Int {
        guard !isFixed else { return base }
        let doublings = min((number - 1) / Self.growthInterval, 40)
        let grown = base.multipliedReportingOverflow(by: 1 << doublings)
        return grown.overflow ? maximum : min(grown.partialValue, maximum)
    }
}
