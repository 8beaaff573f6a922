// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// A TCP proxy on the loopback interface that can close the connections of some clients and not of others, told apart
/// by what they say first.
package final class ConnectionFilter: Sendable {
    /// Where it listens, on 127.0.0.1.
    package let port: Int
    private let target: Int
    private let listener: Int32
    private let marker: [UInt8]
    private let state = Mutex(State())

    private struct State {
        var isBarred = false
        var isStopped = false
        /// Both ends of every connection.
        var all: Set<Int32> = []
        /// Those of clients that have said the marker.
        var marked: Set<Int32> = []
    }

    /// How much of what a client says is looked at.
    private static let lookedAt = 4096

    /// Listens on a free port and forwards to `port` of 127.0.0.1.
    ///
    /// - Parameter marker: what a client concerned says within its first 4 KiB.
    package init(to port: Int, marker: String) throws {
        target = port
        self.marker = Array(marker.utf8)
        (listener, self.port) = try RawSocket.listen()
        Thread.detachNewThread { [self] in accept() }
    }

    /// Closes the connections of the clients concerned, and those they make from now on as soon as they can be told;
    /// or lets them be.
    package func bar(_ isBarred: Bool) {
        state.withLock { state in
            state.isBarred = isBarred
            guard isBarred else { return }
            for descriptor in state.marked { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// How many connections of clients concerned are open.
    package var markedCount: Int { state.withLock { $0.marked.count / 2 } }

    /// Ends every connection and takes no more.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            for descriptor in state.all { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        while true {
            let descriptor = Foundation.accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            guard let server = SocketStream.connect(to: target) else {
                Foundation.close(descriptor)
                continue
            }
            let ends = [descriptor, server.descriptor]
            state.withLock { $0.all.formUnion(ends) }
            Thread.detachNewThread { [self] in forward(ends) }
        }
        Foundation.close(listener)
    }

    /// Moves bytes both ways until either side ends.
    private func forward(_ ends: [Int32]) {
        var said: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        loop: while true {
            var entries = ends.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard unsafe poll(&entries, 2, -1) >= 0 else { break }
            for (index, entry) in entries.enumerated() where entry.revents != 0 {
                let count = unsafe recv(entry.fd, &buffer, buffer.count, 0)
                guard count > 0 else { break loop }
                if index == 0, said.count < Self.lookedAt {
                    said += buffer[..<count]
                    guard passes(said, ends) else { break loop }
                }
                guard SocketStream(ends[1 - index]).send(buffer[..<count]) else { break loop }
            }
        }
        state.withLock { state in
            state.all.subtract(ends)
            state.marked.subtract(ends)
        }
        for end in ends { Foundation.close(end) }
    }

    private func passes(_ said: [UInt8], _ ends: [Int32]) -> Bool {
        guard said.firstRange(of: marker) != nil else { return true }
        return state.withLock { state in
            state.marked.formUnion(ends)
            return !state.isBarred && !state.isStopped
        }
    }
}
