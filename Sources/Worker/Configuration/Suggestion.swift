// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Finds what somebody probably meant to write.
enum Suggestion {
    /// The nearest of the candidates, if it is near enough to be a slip: the same but for case, the same last part
    /// under another section, or a few edits away.
    static func nearest(to text: String, among candidates: [String]) -> String? {
        guard !text.isEmpty, text.count <= 200 else { return nil }
        let wanted = text.lowercased()
        if let same = candidates.first(where: { $0.lowercased() == wanted }) { return same }
        let scored = candidates.map {
            (candidate: $0, distance: distance(Array(wanted.utf8), Array($0.lowercased().utf8)))
        }
        let best = scored.min { $0.distance < $1.distance }
        if let best, best.distance <= max(1, min(wanted.utf8.count, best.candidate.utf8.count) / 4) {
            return best.candidate
        }
        let last = wanted.split(separator: ".").last ?? ""
        let sameLeaf = candidates.filter { $0.lowercased().split(separator: ".").last == last }
        return sameLeaf.count == 1 ? sameLeaf[0] : nil
    }

    /// Levenshtein's distance, with swapped neighbours counting as one edit.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let substitution = previous[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(substitution, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            (before, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
