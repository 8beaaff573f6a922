// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing

@testable import AMQP

@Suite struct WatchdogTests {
    private func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    /// Waits off the cooperative pool until the peer sees the end of the stream.
    private func seesEnd(_ descriptor: Int32) async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                var byte: UInt8 = 0
                let ready = unsafe poll(&entry, 1, 20_000)
                continuation.resume(returning: ready == 1 && (unsafe recv(descriptor, &byte, 1, 0)) == 0)
            }
        }
    }

    @Test func endsAConnectionThatIsStuck() async throws {
        let (ours, peers) = try pair()
        defer {
            close(ours)
            close(peers)
        }
        let entry = try Watchdog.shared.watch(ours, limit: .milliseconds(80))
        defer { Watchdog.shared.release(entry) }
        entry.progress()
        #expect(await seesEnd(peers))
        #expect(entry.hasFired)
    }

    @Test func leavesAConnectionThatRestsAlone() async throws {
        let (ours, peers) = try pair()
        let (stuck, other) = try pair()
        defer { for end in [ours, peers, stuck, other] { close(end) } }
        let resting = try Watchdog.shared.watch(ours, limit: .milliseconds(80))
        let busy = try Watchdog.shared.watch(stuck, limit: .milliseconds(160))
        defer {
            Watchdog.shared.release(resting)
            Watchdog.shared.release(busy)
        }
        resting.progress()
        resting.rest()
        busy.progress()
        // By the time the busy one was ended, the resting one would have been long before.
        #expect(await seesEnd(other))
        #expect(!resting.hasFired)
    }
}
