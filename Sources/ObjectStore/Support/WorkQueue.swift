// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch

/// A thread beside the cooperative pool for what blocks or computes for long: file reads and hashing.
///
/// A serial queue: its work is done in order, and the system gives it a thread while there is any.
struct WorkQueue: Sendable {
    private let queue: DispatchQueue

    init(_ label: String) { queue = DispatchQueue(label: "object-store.\(label)") }

    /// Runs `work` on the queue and returns its result; not cancelled half way.
    func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: work()) }
        }
    }
}
