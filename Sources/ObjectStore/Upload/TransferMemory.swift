// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport
internal import Synchronization

/// The memory all transfers share: lets a fixed number of them in, first come first served, and lends them buffers from
/// one budget. This, not the size of artifacts, is the ceiling of their memory.
///
/// Each transfer is certain of two buffers, one that is filled and one that is sent. While less than two thirds of the
/// budget are in use, more are lent to whoever can send more parts at once, up to `maximumBuffers`, and come back as soon
/// as their part is sent; who comes meanwhile and finds the two thirds used up waits for that. So
///
///     concurrency × 2 × maximumPartSize ≤ budget,   bytes of all buffers ≤ budget
///
/// hold at every moment, and nobody waits for a buffer longer than others need to send one part. Beside the budget stands
/// what libcurl copies through: 2 MiB for each part that is being sent, 512 KiB for each download. So a worker's peak is
///
///     36 MiB + bytes of all buffers + 2 MiB × parts being sent + 0.5 MiB × transfers
///
/// (4 transfers of parts of 8 MiB: 8 buffers, 36 + 64 + 8 + 2 = 110 MiB).
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

    /// One is filled while the other is hashed and sent.
    static let certainBuffers = 2
    /// Three parts on their way and one being filled; more hide no latency that matters and take memory from others.
    static let maximumBuffers = 4
    /// S3's least part, but for an upload's last: 5 MiB.
    package static let leastPartSize = 5 << 20

    /// Bytes of all buffers together, never exceeded.
    package let budget: Int
    package let concurrency: Int
    /// The size parts begin with.
    package let partSize: Int
    /// The size no part outgrows: what the budget leaves each of a transfer's two certain buffers.
    package let maximumPartSize: Int

    private let admission: AdmissionGate
    private let pool: Mutex<BufferPool>

    /// Divides the budget; `invalidRequest` where it cannot hold two parts of `leastPartSize` for each transfer.
    package init(
        budget: Int, concurrency: Int, partSize: Int, leastPartSize: Int = TransferMemory.leastPartSize
    ) throws(S3Error) {
        let concurrency = max(1, concurrency)
        let share = budget / (Self.certainBuffers * concurrency)
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
        pool = Mutex(BufferPool(budget: budget))
    }

    package var gauge: Gauge {
        let (active, waiting) = admission.counts
        return pool.withLock { pool in
            Gauge(bytesInUse: pool.bytesInUse, bytesPooled: pool.bytesIdle, active: active, waiting: waiting)
        }
    }

    /// Transfers that wait until others have returned what the budget had to spare.
    var waitingForBuffers: Int { pool.withLock { $0.line.count } }

    /// Waits for a turn; `cancelled` when the task is cancelled first.
    func lease() async throws(S3Error) -> TransferLease {
        guard await admission.enter() else { throw Self.cancelled }
        return TransferLease(memory: self)
    }

    fileprivate static var cancelled: S3Error {
        S3Error(.cancelled, "The transfer was cancelled while it waited for memory.")
    }

    /// Ends a turn. When nothing is under way any more, nothing is kept: memory costs less to get than to keep.
    fileprivate func leave() {
        guard admission.leave() == 0 else { return }
        pool.withLock { $0.empty() }
    }
}

// MARK: Buffers

extension TransferMemory {
    /// A buffer of `capacity` bytes at once, where nobody waits and enough of the budget is left.
    fileprivate func takeSpare(_ capacity: Int) -> TransferBuffer? {
        pool.withLock { $0.takeSpare(capacity) }
    }

    /// A buffer that the lease is certain of; waits while others hold what the budget had to spare.
    fileprivate func take(_ capacity: Int) async throws(S3Error) -> TransferBuffer {
        let id = pool.withLock { $0.newID() }
        let buffer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = pool.withLock { pool -> TransferBuffer?? in
                    // A cancellation after this look finds the waiter in the line.
                    if Task.isCancelled { return .some(nil) }
                    if let buffer = pool.take(capacity) { return buffer }
                    pool.line.append(BufferPool.Waiter(id: id, capacity: capacity, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            pool.withLock { $0.removeWaiter(id) }?.continuation.resume(returning: nil)
        }
        guard let buffer else { throw Self.cancelled }
        return buffer
    }

    fileprivate func give(_ buffer: TransferBuffer, isSpare: Bool) {
        for (waiter, buffer) in pool.withLock({ $0.give(buffer, isSpare: isSpare) }) {
            waiter.continuation.resume(returning: buffer)
        }
    }
}

/// One transfer's turn: its buffers, all of which go back when it is released. Used by one task.
final class TransferLease: Sendable {
    private struct State {
        var held: [TransferBuffer] = []
        /// Those of them that nothing is done with.
        var free: [TransferBuffer] = []
        var isReleased = false
    }

    private let memory: TransferMemory
    private let state = Mutex(State())

    fileprivate init(memory: TransferMemory) { self.memory = memory }

    deinit { release() }

    /// An empty buffer of `capacity` bytes, at most the memory's `maximumPartSize`; waits for the first two, and returns
    /// nil where there is none to spare beyond them.
    func buffer(_ capacity: Int) async throws(S3Error) -> TransferBuffer? {
        let (count, free) = state.withLock { state in (state.held.count, state.free.popLast()) }
        if let free {
            if free.capacity == capacity {
                free.count = 0
                return free
            }
            giveBack(free)
            return try await buffer(capacity)
        }
        if count >= TransferMemory.certainBuffers {
            guard count < TransferMemory.maximumBuffers, let spare = memory.takeSpare(capacity) else { return nil }
            return hold(spare)
        }
        return hold(try await memory.take(capacity))
    }

    /// One of the first two buffers.
    func certainBuffer(_ capacity: Int) async throws(S3Error) -> TransferBuffer {
        if let buffer = try await buffer(capacity) { return buffer }
        throw S3Error(.invalidRequest, "A transfer asked for more buffers than are certain to it.")
    }

    /// Takes a buffer whose content is no longer needed; one that the lease is not certain of is lent to others.
    func recycle(_ buffer: TransferBuffer) {
        let isSpare = state.withLock { state in
            guard state.held.count <= TransferMemory.certainBuffers else { return true }
            state.free.append(buffer)
            return false
        }
        if isSpare { giveBack(buffer) }
    }

    private func hold(_ buffer: TransferBuffer) -> TransferBuffer {
        state.withLock { $0.held.append(buffer) }
        return buffer
    }

    private func giveBack(_ buffer: TransferBuffer) {
        let isSpare = state.withLock { state -> Bool? in
            guard let index = state.held.firstIndex(where: { $0 === buffer }) else { return nil }
            state.held.remove(at: index)
            return state.held.count >= TransferMemory.certainBuffers
        }
        if let isSpare { memory.give(buffer, isSpare: isSpare) }
    }

    /// Gives every buffer back and lets the next transfer in; harmless when done twice.
    func release() {
        let buffers = state.withLock { state -> [TransferBuffer]? in
            guard !state.isReleased else { return nil }
            defer { state = State(isReleased: true) }
            return state.held
        }
        guard let buffers else { return }
        for (index, buffer) in buffers.enumerated() {
            memory.give(buffer, isSpare: index >= TransferMemory.certainBuffers)
        }
        memory.leave()
    }
}
