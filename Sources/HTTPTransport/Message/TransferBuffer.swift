// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A block of memory of fixed capacity that a transfer fills or sends, handed from owner to owner without a copy.
///
/// Exactly one party uses a buffer at a time: whoever passes it to `fill` or puts it in a request must leave it alone
/// until that call has returned. That rule, not a lock, is what makes it `Sendable`.
///
/// Large blocks are mapped by themselves: what is given back leaves the process at once, where the allocator would keep it,
/// and pages that nothing is written to cost nothing.
@safe
package final class TransferBuffer: @unchecked Sendable {
    /// The alignment of the memory, in bytes: one page.
    private static let pageSize = 4096
    /// From this size on, in bytes, memory is mapped.
    private static let mappedFrom = 256 << 10

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
        unsafe memory =
            capacity < Self.mappedFrom
            ? .allocate(byteCount: max(capacity, 1), alignment: Self.pageSize) : Self.mapped(capacity)
        count = 0
    }

    deinit {
        if capacity < Self.mappedFrom {
            unsafe memory.deallocate()
        } else {
            unsafe munmap(memory, capacity)
        }
    }

    private static func mapped(_ size: Int) -> UnsafeMutableRawPointer {
        let start = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else {
            // As the allocator does where there is no memory: the budget is what keeps a worker from this.
            fatalError("no memory for a buffer of \(size) bytes: \(errno)")
        }
        return unsafe start
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
