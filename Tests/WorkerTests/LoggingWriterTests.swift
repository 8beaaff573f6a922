// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Worker

/// An output that stands still until it is let go, as a terminal after Ctrl-S.
final class StuckOutput: Sendable {
    private let gate = DispatchSemaphore(value: 0)
    private let entered = DispatchSemaphore(value: 0)
    private let state = Mutex((bytes: [UInt8](), isOpen: false))

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    func take(_ bytes: [UInt8]) {
        let isOpen = state.withLock { $0.isOpen }
        entered.signal()
        if !isOpen { gate.wait() }
        state.withLock { $0.bytes += bytes }
    }

    /// Waits until the writer's thread stands still in the output.
    func waitUntilStuck() { entered.wait() }

    func open() {
        state.withLock { $0.isOpen = true }
        gate.signal()
    }
}

@Suite struct LoggingWriterTests {
    @Test func linesComeInOrderFromManyThreads() async {
        let collector = Collector()
        let writer = collector.writer()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for line in 0..<200 { writer.write("\(task) \(line)\n", isDroppable: false) }
                }
            }
        }
        #expect(writer.flush(timeout: .seconds(60)))
        let lines = collector.text.split(separator: "\n")
        #expect(lines.count == 1600)
        for task in 0..<8 {
            #expect(lines.filter { $0.hasPrefix("\(task) ") } == (0..<200).map { "\(task) \($0)"[...] })
        }
        writer.close()
    }

    @Test func aStuckOutputHoldsNobodyAndLosesTheLeastFirst() {
        let output = StuckOutput()
        let writer = LogWriter(capacity: 100, notice: { "dropped \($0)\n" }) { output.take($0) }
        writer.write("first\n", isDroppable: false)
        output.waitUntilStuck()
        // Ten bytes each: 7 droppable ones fit into three quarters of the room, then 3 others into the rest.
        for _ in 0..<20 { writer.write("droppable\n", isDroppable: true) }
        for _ in 0..<5 { writer.write("important\n", isDroppable: false) }
        #expect(!writer.flush(timeout: .zero))
        output.open()
        #expect(writer.flush(timeout: .seconds(60)))
        let lines = output.text.split(separator: "\n")
        #expect(lines.count { $0 == "droppable" } == 7)
        #expect(lines.count { $0 == "important" } == 3)
        #expect(lines.last == "dropped 15")
        writer.write("later\n", isDroppable: true)
        writer.close()
        #expect(output.text.hasSuffix("dropped 15\nlater\n"))
    }

    @Test func theStatusGivesWayToLines() {
        let collector = Collector()
        let writer = collector.writer()
        writer.setStatus("[=>  ]")
        #expect(writer.flush(timeout: .seconds(60)))
        writer.write("line\n", isDroppable: false)
        #expect(writer.flush(timeout: .seconds(60)))
        writer.setStatus(nil)
        writer.close()
        #expect(collector.text == "[=>  ]\r\u{1B}[2Kline\n[=>  ]\r\u{1B}[2K")
    }

    @Test func linesAfterTheEndAreWrittenAtOnce() {
        let collector = Collector()
        let writer = collector.writer()
        writer.close()
        writer.write("late\n", isDroppable: true)
        #expect(collector.text == "late\n")
        #expect(writer.flush(timeout: .zero))
    }

    @Test func aClosedPipeIsNoTrouble() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        let writer = LogWriter(descriptor: ends[1]) { _ in "" }
        close(ends[0])
        writer.write("nobody reads\n", isDroppable: false)
        #expect(writer.flush(timeout: .seconds(60)))
        writer.close()
        close(ends[1])
    }

    @Test func everythingReachesASlowPipe() async throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let writer = LogWriter(descriptor: ends[1]) { _ in "" }
        // More than a pipe holds: the writer must wait for the reader.
        for _ in 0..<2000 { writer.write(String(repeating: "x", count: 99) + "\n", isDroppable: false) }
        let reader = ends[0]
        let count = await OwnThread.run { () -> Int in
            var total = 0
            var chunk = [UInt8](repeating: 0, count: 4096)
            while total < 200_000 {
                let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(reader, $0.baseAddress, $0.count) }
                guard count > 0 else { break }
                total += count
            }
            return total
        }
        #expect(count == 200_000)
        writer.close()
        close(ends[0])
        close(ends[1])
    }
}
