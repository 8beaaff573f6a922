// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
internal import Synchronization

/// Writes lines to a file descriptor from a thread of its own: whoever logs never waits for a slow terminal or pipe.
///
/// The queue is bounded. When it is full, lines marked as droppable are left out first and the others when there is no
/// room at all; the count is written as soon as there is room again. One status line (a progress bar) can stand below
/// the lines: it is taken away before they are written and drawn again after.
package final class LogWriter: Sendable {
    /// The most bytes that wait; droppable lines may take three quarters of them.
    package static let maximumBytes = 1 << 20

    /// How long lines gather before they are written.
    private static let gathering = DispatchTimeInterval.milliseconds(5)

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    /// Somebody waits for what is queued.
    private let hurry = DispatchSemaphore(value: 0)
    private let output: @Sendable ([UInt8]) -> Void
    private let notice: @Sendable (Int) -> String
    private let capacity: Int

    private struct State {
        var waiting: [UInt8] = []
        var dropped = 0
        var status: String?
        /// What stands on the terminal now.
        var shownStatus: String?
        var isAwake = false
        var isBusy = false
        var isClosed = false
        var flushes: [DispatchSemaphore] = []

        var hasWork: Bool { !waiting.isEmpty || status != shownStatus || dropped > 0 }
    }

    /// A writer to an open descriptor, which it neither owns nor closes. `notice` makes the line about dropped lines.
    package convenience init(descriptor: Int32, notice: @escaping @Sendable (Int) -> String) {
        self.init(notice: notice) { Self.writeAll($0, to: descriptor) }
    }

    /// A writer to any place; `output` is called on the writer's thread, one call at a time, and may block.
    package init(
        capacity: Int = LogWriter.maximumBytes, notice: @escaping @Sendable (Int) -> String,
        output: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.capacity = capacity
        self.notice = notice
        self.output = output
        let hasThread = OwnThread.start { [self] in run() }
        // Without a thread nothing would ever be written: then lines are written by whoever logs them.
        if !hasThread { state.withLock { $0.isClosed = true } }
    }

    /// Queues a line, which brings its own line end. Never waits.
    package func write(_ line: String, isDroppable: Bool) {
        let late = change { state in
            let limit = isDroppable ? capacity / 4 * 3 : capacity
            if state.waiting.count + line.utf8.count <= limit || state.isClosed {
                state.waiting.append(contentsOf: line.utf8)
            } else {
                state.dropped += 1
            }
        }
        if late { drain() }
    }

    /// Sets the text that stands below all lines; nil takes it away.
    package func setStatus(_ text: String?) {
        if change({ $0.status = text }) { drain() }
    }

    /// Waits until what was queued so far is written; false when that takes longer than `timeout`. Blocking.
    package func flush(timeout: Duration) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let mustWait = state.withLock { state in
            guard !state.isClosed, state.hasWork || state.isBusy else { return false }
            state.flushes.append(done)
            return true
        }
        guard mustWait else { return true }
        hurry.signal()
        let parts = timeout.components
        let nanoseconds = Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000)
        return done.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
    }

    /// Writes what is queued, for at most `timeout`, and ends the thread. Lines that come later are written at once,
    /// by the thread that logs them. Blocking.
    package func close(timeout: Duration = .seconds(2)) {
        setStatus(nil)
        _ = flush(timeout: timeout)
        state.withLock { $0.isClosed = true }
        wake.signal()
        hurry.signal()
    }

    /// Changes the state and wakes the thread if it sleeps; true when there is no thread any more.
    private func change(_ body: (inout State) -> Void) -> Bool {
        let (mustWake, isClosed) = state.withLock { state -> (Bool, Bool) in
            body(&state)
            let mustWake = !state.isAwake && state.hasWork
            if mustWake { state.isAwake = true }
            return (mustWake, state.isClosed)
        }
        if mustWake { wake.signal() }
        return isClosed
    }

    private func run() {
        while true {
            wake.wait()
            // Lines come in bursts, and to wake for each costs more than to write it.
            _ = hurry.wait(timeout: .now() + Self.gathering)
            drain()
            if state.withLock({ $0.isClosed }) { return }
        }
    }

    /// Writes until nothing waits.
    private func drain() {
        while let bytes = next() { output(bytes) }
    }

    private func next() -> [UInt8]? {
        let (bytes, flushes) = state.withLock { state -> ([UInt8]?, [DispatchSemaphore]) in
            state.isBusy = state.hasWork
            guard state.hasWork else {
                state.isAwake = false
                defer { state.flushes = [] }
                return (nil, state.flushes)
            }
            return (take(&state), [])
        }
        flushes.forEach { $0.signal() }
        return bytes
    }

    private func take(_ state: inout State) -> [UInt8] {
        // Carriage return and "erase the line": the status gives way to what is written.
        var bytes = state.shownStatus == nil ? [] : Array("\r\u{1B}[2K".utf8)
        bytes.append(contentsOf: state.waiting)
        state.waiting.removeAll(keepingCapacity: true)
        if state.dropped > 0 { bytes.append(contentsOf: notice(state.dropped).utf8) }
        state.dropped = 0
        if let status = state.status { bytes.append(contentsOf: status.utf8) }
        state.shownStatus = state.status
        return bytes
    }

    /// Writes all bytes; what a closed or broken descriptor does not take is lost, for there is nobody to tell.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
        var start = 0
        while start < bytes.count {
            let count = unsafe bytes[start...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                start += count
            } else if errno == EAGAIN {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe Glibc.poll(&poll, 1, 1000)
            } else if errno != EINTR {
                return
            }
        }
    }
}
