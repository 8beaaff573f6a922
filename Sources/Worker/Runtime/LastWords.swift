// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc

/// Ends the process at once, and yet lets what is to be said be heard.
enum LastWords {
    /// Logs with `say`, waits until the log is written (not for long: nothing that hangs may keep the process alive)
    /// and ends without another word, leaving everything as it is.
    static func endProcess(with code: Int32, saying say: @escaping @Sendable () -> Void) -> Never {
        let isSaid = DispatchSemaphore(value: 0)
        let hasThread = OwnThread.start {
            say()
            _ = LogSetup.current.flush(timeout: .seconds(1))
            isSaid.signal()
        }
        if hasThread { _ = isSaid.wait(timeout: .now() + .seconds(2)) }
        _exit(code)
    }
}
