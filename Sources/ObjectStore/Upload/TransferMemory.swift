// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Synchronization

/// The memory all transfers share: lets a fixed number of them in, first come first served, and lends each two
/// buffers that are used again by the next. This, not the size of artifacts, is the ceiling of their memory.
package final class TransferMemory: Sendable {
    /// What is in use, for metrics.
    package struct Gauge: Sendable, Hashable {
        /// Bytes of buffers that transfers hold.
        package let bytesInUse: Int
        /// Bytes of buffers kept for the next transfer.
        package let bytesPooled: Int
        /// Transfers that were let in.
        package let active: Int
        /// Transfers that wait to be let in.
        package let waiting: Int
    }

    /// Two: one is filled while the other is hashed and sent.
    static let buffersPerTransfer = 2
    /// S3's least part, but for an upload's last: 5 MiB.
    package static let leastPartSize = 5 << 20

    /// Bytes of all buffers together, never exceeded.
    package let budget: Int
    package let concurrency: Int
    /// The size parts begin with.
    package let partSize: Int
    /// The size no part outgrows: what the budget leaves each of a transfer's two buffers.
    package let maximumPartSize: Int

    private struct Pool {
        var idle: [TransferBuffer] = []
        var bytesInUse = 0
    }

    private let admission: AdmissionGate
    private let pool = Mutex(Pool())

    /// Divides the budget; `invalidRequest` where it cannot hold two parts of `leastPartSize` for each transfer.
    package init(
        budget: Int, concurrency: Int, partSize: Int, leastPartSize: Int = TransferMemory.leastPartSize
    ) throws(S3Error) {
        let concurrency = max(1, concurrency)
        let share = budget / (Self.buffersPerTransfer * concurrency)
        let pages = share / 4096 * 4096
        guard pages >= leastPartSize, partSize >= leastPartSize else {
            throw S3Error(
                .invalidRequest,
                "A memory budget of \(budget) bytes with parts of \(partSize) bytes cannot hold two parts of at least "
                    + "\(leastPartSize) bytes for each of \(concurrency) transfers; raise the budget or transfer fewer "
                    + "at once.")
        }
        self.budget = budget
        self.concurrency = concurrency
        self.partSize = min(partSize, pages)
        maximumPartSize = min(pages, 5 << 30)
        admission = AdmissionGate(limit: concurrency)
    }

    package var gauge: Gauge {
        let (active, waiting) = admission.counts
        return pool.withLock { pool in
            Gauge(
                bytesInUse: pool.bytesInUse, bytesPooled: pool.idle.reduce(0) { $0 + $1.capacity }, active: active,
                waiting: waiting)
        }
    }

    /// Waits for a turn; `cancelled` when the task is cancelled first.
    func lease() async throws(S3Error) -> TransferLease {
        guard await admission.enter() else {
            throw S3Error(.cancelled, "The transfer was cancelled while it waited for memory.")
        }
        return TransferLease(memory: self)
    }

    /// A buffer of exactly `capacity` bytes, an idle one where there is one.
    fileprivate func take(_ capacity: Int) -> TransferBuffer {
        let known = pool.withLock { pool -> TransferBuffer? in
            pool.bytesInUse += capacity
            if let index = pool.idle.lastIndex(where: { $0.capacity == capacity }) {
                return pool.idle.remove(at: index)
            }
            // Idle buffers of another size make room first, so that the budget holds at every moment.
            while !pool.idle.isEmpty, pool.bytesInUse + pool.idle.reduce(0, { $0 + $1.capacity }) > budget {
                pool.idle.removeFirst()
            }
            return nil
        }
        known?.count = 0
        return known ?? TransferBuffer(capacity: capacity)
    }

    fileprivate func give(_ buffer: TransferBuffer) {
        pool.withLock { pool in
            pool.bytesInUse -= buffer.capacity
            pool.idle.append(buffer)
        }
    }

    /// Ends a turn. When nothing is under way any more, only what one transfer needs is kept.
    fileprivate func leave() {
        guard admission.leave() == 0 else { return }
        pool.withLock { pool in
            pool.idle.removeFirst(max(0, pool.idle.count - Self.buffersPerTransfer))
        }
    }
}

/// One transfer's turn: its buffers, all of which go back when it is released.
final class TransferLease: Sendable {
    private let memory: TransferMemory
    private let held = Mutex<[TransferBuffer]?>([])

    fileprivate init(memory: TransferMemory) { self.memory = memory }

    deinit { release() }

    /// Lends a buffer of `capacity` bytes, nothing in it. A transfer holds two at most; no part is larger than the
    /// memory's `maximumPartSize`.
    func buffer(_ capacity: Int) -> TransferBuffer {
        let buffer = memory.take(capacity)
        held.withLock { $0?.append(buffer) }
        return buffer
    }

    /// Exchanges a buffer that is no longer needed for an empty one of `capacity` bytes: itself, where it fits.
    func exchange(_ buffer: TransferBuffer, for capacity: Int) -> TransferBuffer {
        if buffer.capacity == capacity {
            buffer.count = 0
            return buffer
        }
        let isHeld = held.withLock { held in
            guard let index = held?.firstIndex(where: { $0 === buffer }) else { return false }
            held?.remove(at: index)
            return true
        }
        if isHeld { memory.give(buffer) }
        return self.buffer(capacity)
    }

    /// Gives every buffer back and lets the next transfer in; harmless when done twice.
    func release() {
        let buffers = held.withLock { held -> [TransferBuffer]? in
            defer { held = nil }
            return held
        }
        guard let buffers else { return }
        for buffer in buffers { memory.give(buffer) }
        memory.leave()
    }
}
