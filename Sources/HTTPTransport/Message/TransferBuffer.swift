// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A block of memory of fixed capacity that a transfer fills or sends, handed from owner to owner without a copy.
///
/// Exactly one party uses a buffer at a time: whoever passes it to `fill` or puts it in a request must leave it alone
/// until that call has returned. That rule, not a lock, is what makes it `Sendable`.
@safe
package final class TransferBuffer: @unchecked Sendable {
    /// The alignment of the memory, in bytes: one page.
    private static let pageSize = 4096

    /// How many bytes fit.
    package let capacity: Int

    /// How many bytes from the start are valid, 0 to `capacity`.
    package var count: Int {
        didSet { count = min(max(count, 0), capacity) }
    }

    private let memory: UnsafeMutableRawPointer

    /// Takes page-aligned memory for `capacity` bytes (at least one), none of them valid yet.
    package init(capacity: Int) {
        self.capacity = max(capacity, 1)
        unsafe memory = .allocate(byteCount: max(capacity, 1), alignment: Self.pageSize)
        count = 0
    }

    deinit {
        unsafe memory.deallocate()
    }

    /// How many bytes can still be added.
    package var room: Int { capacity - count }

    /// Gives read access to the valid bytes for the duration of the call.
    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// Gives write access to the whole capacity; the caller sets `count` to what is valid afterwards.
    package func withUnsafeMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeMutableRawBufferPointer(start: memory, count: capacity))
    }

    /// Copies as many bytes as fit behind the valid ones; returns how many that were.
    package func append(_ source: UnsafeRawBufferPointer) -> Int {
        let taken = min(source.count, room)
        if taken > 0, let base = source.baseAddress {
            unsafe memory.advanced(by: count).copyMemory(from: base, byteCount: taken)
            count += taken
        }
        return taken
    }
}
