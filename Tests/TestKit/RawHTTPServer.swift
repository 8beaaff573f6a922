// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A TCP server that says exactly what a test tells it to, right or wrong, on a port of its own.
///
/// Every connection gets a thread that runs the script once. Nothing is checked or added to what a script sends.
package final class RawHTTPServer: Sendable {
    /// What a connection does, from accept to close.
    package typealias Script = @Sendable (RawConnection) -> Void

    /// The port it listens on at 127.0.0.1.
    package let port: Int
    private let listener: Int32
    private let script: Script
    private let state = Mutex(State())

    private struct State {
        var accepted = 0
        var open: [Int: Int32] = [:]
        var mostOpen = 0
        var requests: [RawRequest] = []
    }

    /// Starts listening; throws what the system said when it cannot.
    package init(script: @escaping Script) throws {
        self.script = script
        (listener, port) = try RawSocket.listen()
        let context = unsafe Unmanaged.passRetained(self)  // +1: given back when the accepting thread ends
        let isStarted = unsafe RawSocket.startThread(context.toOpaque()) { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<RawHTTPServer>.fromOpaque(context).takeRetainedValue().acceptAll()
            return nil
        }
        if !isStarted { unsafe context.release() }
    }

    /// `http://127.0.0.1:port` with a path behind it.
    package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    /// How many connections were accepted so far.
    package var accepted: Int { state.withLock { $0.accepted } }

    /// The most connections that were open at once.
    package var mostOpen: Int { state.withLock { $0.mostOpen } }

    /// Every request read so far, in the order they were read.
    package var requests: [RawRequest] { state.withLock { $0.requests } }

    /// Stops accepting and breaks every connection.
    package func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { state in
            for descriptor in state.open.values { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    func record(_ request: RawRequest) { state.withLock { $0.requests.append(request) } }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            serve(descriptor)
        }
        close(listener)
    }

    private func serve(_ descriptor: Int32) {
        let index = state.withLock { state in
            defer { state.accepted += 1 }
            state.open[state.accepted] = descriptor
            state.mostOpen = max(state.mostOpen, state.open.count)
            return state.accepted
        }
        let connection = RawConnection(server: self, descriptor: descriptor, index: index)
        let context = unsafe Unmanaged.passRetained(connection)  // +1: given back by the connection's thread
        let isStarted = unsafe RawSocket.startThread(context.toOpaque()) { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<RawConnection>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }
        if !isStarted { unsafe context.release() }
    }

    func runScript(on connection: RawConnection) { script(connection) }

    /// Before the descriptor is closed, so that `stop` never touches one that has been given to somebody else.
    func forget(_ connection: RawConnection) {
        _ = state.withLock { $0.open.removeValue(forKey: connection.index) }
    }
}

/// A request as it came over the wire.
package struct RawRequest: Sendable {
    /// The connection it came on, counted from 0.
    package let connection: Int
    /// The request line, such as `GET / HTTP/1.1`.
    package let line: String
    /// The header lines as written.
    package let headerLines: [String]
    /// The body, as far as it was read.
    package var body: [UInt8] = []

    /// The first value of a header field, by name without case.
    package func header(_ name: String) -> String? {
        let prefix = name.lowercased() + ":"
        return headerLines.first { $0.lowercased().hasPrefix(prefix) }.map {
            String($0.dropFirst(prefix.count).drop { $0 == " " })
        }
    }
}
