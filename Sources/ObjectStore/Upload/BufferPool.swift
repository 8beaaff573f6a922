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
    /// What may be in use for the sake of speed alone, and what is kept for the next; many transfers need none of it, and
    /// one gets four buffers of it.
    private var spareLimit: Int { budget / 3 * 2 }
    /// How many buffers are lent to those who could do without.
    private var spares = 0
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

    /// A buffer of exactly `capacity` bytes, nothing in it; nil where somebody waits already or there is no room. As long
    /// as spare buffers are out, room is what they may be taken from: they come back soon.
    mutating func take(_ capacity: Int) -> TransferBuffer? {
        line.isEmpty ? lend(capacity) : nil
    }

    /// The same, for somebody who can do without.
    mutating func takeSpare(_ capacity: Int) -> TransferBuffer? {
        guard bytesInUse + capacity <= spareLimit, let buffer = take(capacity) else { return nil }
        spares += 1
        return buffer
    }

    private mutating func lend(_ capacity: Int) -> TransferBuffer? {
        guard bytesInUse + capacity <= (spares > 0 ? spareLimit : budget) else { return nil }
        bytesInUse += capacity
        if let index = idle.lastIndex(where: { $0.capacity == capacity }) {
            let buffer = idle.remove(at: index)
            bytesIdle -= capacity
            buffer.count = 0
            return buffer
        }
        // Idle buffers of another size make room first, so that the budget holds at every moment.
        dropIdle(beyond: budget)
        return TransferBuffer(capacity: capacity)
    }

    /// Takes a buffer back; returns who had waited for its room, each with a buffer.
    mutating func give(_ buffer: TransferBuffer, isSpare: Bool) -> [(Waiter, TransferBuffer)] {
        if isSpare { spares -= 1 }
        bytesInUse -= buffer.capacity
        bytesIdle += buffer.capacity
        idle.append(buffer)
        var served: [(Waiter, TransferBuffer)] = []
        while let next = line.first, let buffer = lend(next.capacity) {
            served.append((line.removeFirst(), buffer))
        }
        dropIdle(beyond: spareLimit)
        return served
    }

    private mutating func dropIdle(beyond limit: Int) {
        while let first = idle.first, bytesInUse + bytesIdle > limit {
            bytesIdle -= first.capacity
            idle.removeFirst()
        }
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
