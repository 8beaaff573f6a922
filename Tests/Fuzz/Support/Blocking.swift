// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization

/// Waits on the calling thread, which is libFuzzer's own, for something that is asynchronous only by its interface.
enum Blocking {
    static func result<Value: Sendable, Failure: Error>(
        of work: @escaping @Sendable () async throws(Failure) -> Value
    ) -> Result<Value, Failure> {
        let done = DispatchSemaphore(value: 0)
        let slot = Slot<Result<Value, Failure>>()
        Task {
            do throws(Failure) {
                slot.value.withLock { $0 = nil }
                let value = try await work()
                slot.value.withLock { $0 = .success(value) }
            } catch {
                slot.value.withLock { $0 = .failure(error) }
            }
            done.signal()
        }
        done.wait()
        return slot.value.withLock { $0 }!
    }

    private final class Slot<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }
}
