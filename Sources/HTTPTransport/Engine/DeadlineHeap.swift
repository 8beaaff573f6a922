// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A binary heap of things to look at again at a time, earliest first. Times are monotonic nanoseconds.
struct DeadlineHeap<Element> {
    private var items: [(time: UInt64, element: Element)] = []

    /// The earliest time, `nil` when there is none.
    var next: UInt64? { items.first?.time }
    var count: Int { items.count }

    /// Adds an element; O(log n).
    mutating func insert(_ element: Element, at time: UInt64) {
        items.append((time, element))
        var index = items.count - 1
        while index > 0, items[(index - 1) / 2].time > items[index].time {
            items.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// Removes and returns the earliest element if its time has come; O(log n).
    mutating func popDue(now: UInt64) -> Element? {
        guard let first = items.first, first.time <= now else { return nil }
        let last = items.removeLast()
        if !items.isEmpty {
            items[0] = last
            sink()
        }
        return first.element
    }

    mutating func removeAll() { items.removeAll() }

    private mutating func sink() {
        var index = 0
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < items.count {
                if items[child].time < items[smallest].time { smallest = child }
            }
            guard smallest != index else { return }
            items.swapAt(index, smallest)
            index = smallest
        }
    }
}
