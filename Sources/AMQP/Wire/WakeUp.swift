// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import CRabbitMQ
internal import Glibc

/// An eventfd: wakes a thread that waits in poll. librabbitmq restarts its own poll after a signal, so nothing else
/// can.
final class WakeUp: Sendable {
    let descriptor: Int32

    init() throws(AMQPError) {
        descriptor = crmq_eventfd()
        guard descriptor >= 0 else {
            throw AMQPError(.system, "No event descriptor could be made: raise the limit of open files.")
        }
    }

    /// Wakes the thread, now or when it next waits. A full counter means it is awake already.
    func signal() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Forgets earlier signals.
    func clear() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size)
    }

    deinit {
        close(descriptor)
    }
}

/// Waits until a descriptor is readable, a wake-up came, or the time is up; earlier for no reason at all.
enum Readiness {
    static func wait(socket: Int32?, wakeUp: WakeUp?, until deadline: ContinuousClock.Instant) {
        var entries: [pollfd] = []
        if let socket { entries.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
        if let wakeUp { entries.append(pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)) }
        let left = deadline - ContinuousClock.now
        _ = unsafe poll(&entries, nfds_t(entries.count), left.pollMilliseconds)
        wakeUp?.clear()
    }
}

extension Duration {
    /// Whole milliseconds, rounded up so that a wait never ends just before its deadline; at most an hour.
    var pollMilliseconds: Int32 {
        Int32(min(max(milliseconds, 0), 3_600_000))
    }

    /// Whole milliseconds, rounded up.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds < Int64.max / 2000 else { return Int64.max / 2 }
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
