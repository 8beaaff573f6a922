// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// The buffers of a budget: lent, kept for the next, and the line of those who wait for one.
struct BufferPool {
    struct Waiter {
        let id: UInt64
        let capacity: Int
        let continuation: CheckedContinuation<TransferBuffer?, Never>
    }

    let budget: Int
    private(set) var bytesInUse = 0
    private(set) var bytesIdle = 0
    private var idle: [TransferBuffer] = []
    private var lastID: UInt64 = 0
    /// In the order they came; at most two of each transfer.
    var line: [Waiter] = []

    init(budget: Int) { self.budget = budget }

    mutating func newID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// A buffer of exactly `capacity` bytes, nothing in it; nil where somebody waits already or the budget is used up.
    mutating func take(_ capacity: Int) -> TransferBuffer? {
        line.isEmpty ? lend(capacity) : nil
    }

    /// The same, but nil where more than `limit` bytes would be in use.
    mutating func take(_ capacity: Int, within limit: Int) -> TransferBuffer? {
        bytesInUse + capacity <= limit ? take(capacity) : nil
    }

    private mutating func lend(_ capacity: Int) -> TransferBuffer? {
        guard bytesInUse + capacity <= budget else { return nil }
        bytesInUse += capacity
        if let index = idle.lastIndex(where: { $0.capacity == capacity }) {
            let buffer = idle.remove(at: index)
            bytesIdle -= capacity
            buffer.count = 0
            return buffer
        }
        // Idle buffers of another size make room first, so that the budget holds at every moment.
        while let first = idle.first, bytesInUse + bytesIdle > budget {
            bytesIdle -= first.capacity
            idle.removeFirst()
        }
        return TransferBuffer(capacity: capacity)
    }

    /// Takes a buffer back; returns who had waited for its room, each with a buffer.
    mutating func give(_ buffer: TransferBuffer) -> [(Waiter, TransferBuffer)] {
        bytesInUse -= buffer.capacity
        bytesIdle += buffer.capacity
        idle.append(buffer)
        var served: [(Waiter, TransferBuffer)] = []
        while let next = line.first, let buffer = lend(next.capacity) {
            served.append((line.removeFirst(), buffer))
        }
        return served
    }

    mutating func removeWaiter(_ id: UInt64) -> Waiter? {
        line.firstIndex { $0.id == id }.map { line.remove(at: $0) }
    }

    /// Keeps nothing for later.
    mutating func empty() {
        idle = []
        bytesIdle = 0
    }
}
