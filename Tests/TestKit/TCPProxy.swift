// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// A TCP proxy on the loopback interface that a test can cut, stall and close.
package final class TCPProxy: Sendable {
    /// What went wrong while it was set up.
    package struct Failure: Error {
        package var call: String
        package var code: Int32
    }

    private struct State {
        /// Both ends of every connection.
        var descriptors: Set<Int32> = []
        var isClosed = false
        var isStalled = false
        var isSwallowing = false
        var swallowed = 0
        var mangle: (@Sendable (inout [UInt8]) -> Void)?
        var accepted = 0
    }

    /// Where it listens, on 127.0.0.1.
    package let port: Int
    private let listener: Int32
    private let target: Int
    private let state = Mutex(State())

    /// Listens on a free port and forwards to `port` of 127.0.0.1.
    package init(to port: Int) throws {
        target = port
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        guard listener >= 0 else { throw Failure(call: "socket", code: errno) }
        var address = TCPProxy.loopback(port: 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(listener, $0, size) }
        }
        guard bound == 0, listen(listener, 64) == 0 else { throw Failure(call: "bind", code: errno) }
        var length = size
        _ = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(listener, $0, &length) }
        }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in accept() }
    }

    /// Connections taken so far.
    package var acceptedCount: Int { state.withLock { $0.accepted } }

    /// Ends every connection now; new ones are taken.
    package func cut() {
        state.withLock { state in
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Bytes that were dropped.
    package var swallowedCount: Int { state.withLock { $0.swallowed } }

    /// Takes bytes and drops them (true), or forwards again (false): a peer that reads and never answers.
    package func swallow(_ isSwallowing: Bool) {
        state.withLock { $0.isSwallowing = isSwallowing }
    }

    /// Lets `change` alter what the target sends (nil: no more).
    package func mangle(_ change: (@Sendable (inout [UInt8]) -> Void)?) {
        state.withLock { $0.mangle = change }
    }

    /// Takes bytes from nobody any more (true), or goes on (false): a network that is gone.
    package func stall(_ isStalled: Bool) {
        state.withLock { $0.isStalled = isStalled }
    }

    /// Ends every connection and takes no more.
    package func close() {
        state.withLock { $0.isClosed = true }
        cut()
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return address
    }

    private func accept() {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            guard client >= 0 else { break }
            let server = connectToTarget()
            let isClosed = state.withLock { state in
                state.accepted += 1
                if server >= 0, !state.isClosed { state.descriptors.formUnion([client, server]) }
                return state.isClosed
            }
            guard server >= 0, !isClosed else {
                Foundation.close(client)
                if server >= 0 { Foundation.close(server) }
                continue
            }
            Thread.detachNewThread { [self] in forward(client, server) }
        }
        Foundation.close(listener)
    }

    private func connectToTarget() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        var address = TCPProxy.loopback(port: target)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, size) }
        }
        guard connected == 0 else {
            Foundation.close(descriptor)
            return -1
        }
        return descriptor
    }

    /// Moves bytes both ways until either side ends.
    private func forward(_ client: Int32, _ server: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        loop: while true {
            var entries = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            if state.withLock({ $0.isStalled }) {
                _ = poll(nil, 0, 10)
                if state.withLock({ $0.isClosed }) { break }
                continue
            }
            guard unsafe poll(&entries, 2, 50) >= 0 else { break }
            // It may have been stalled meanwhile.
            if state.withLock({ $0.isStalled }) { continue }
            for (index, entry) in entries.enumerated() where entry.revents != 0 {
                let count = unsafe recv(entry.fd, &buffer, buffer.count, 0)
                if count > 0, swallows(count) { continue }
                guard count > 0 else { break loop }
                var bytes = Array(buffer[..<count])
                if index == 1, let mangle = state.withLock({ $0.mangle }) { mangle(&bytes) }
                guard send(bytes[...], to: index == 0 ? server : client) else { break loop }
            }
        }
        state.withLock { $0.descriptors.subtract([client, server]) }
        Foundation.close(client)
        Foundation.close(server)
    }

    private func swallows(_ count: Int) -> Bool {
        state.withLock { state in
            if state.isSwallowing { state.swallowed += count }
            return state.isSwallowing
        }
    }

    private func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}
