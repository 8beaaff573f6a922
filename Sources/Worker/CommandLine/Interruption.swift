// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import UnixSignals

/// Runs `body` and cancels it on SIGINT or SIGTERM, so that it can leave things in order; a second signal ends the
/// process at once.
func interruptible<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
    let work = Task { await body() }
    let watcher = Task {
        var isFirst = true
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
            guard isFirst else { _exit(128 + signal.rawValue) }
            isFirst = false
            work.cancel()
            CommandOutput.complain("stopping; once more to stop at once")
        }
    }
    defer { watcher.cancel() }
    return await work.value
}
