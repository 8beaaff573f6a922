// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Virtual time: it stands still while anything is ready to run, and then jumps to what is due next.
final class VirtualClock {
    /// Something that is going to happen.
    private struct Entry {
        let time: Instant
        /// Decides between entries of the same instant; random, so that their order is not the order of their making.
        let order: UInt64
        let action: () -> Void

        static func < (left: Entry, right: Entry) -> Bool {
            left.time != right.time ? left.time < right.time : left.order < right.order
        }
    }

    private(set) var now: Instant = 0
    private var heap: [Entry] = []

    var isEmpty: Bool { heap.isEmpty }

    func schedule(at time: Instant, order: UInt64, _ action: @escaping () -> Void) {
        heap.append(Entry(time: max(now, time), order: order, action: action))
        var child = heap.count - 1
        while child > 0, case let parent = (child - 1) / 2, heap[child] < heap[parent] {
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Jumps to the next thing that is due and takes it; nil where nothing is.
    func advance() -> (() -> Void)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        now = max(now, first.time)
        return first.action
    }

    func removeAll() { heap.removeAll() }

    private func sink() {
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return }
            let child = left + 1 < heap.count && heap[left + 1] < heap[left] ? left + 1 : left
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
