// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Glibc

/// One accepted connection, used by its own thread only.
package final class RawConnection {
    /// The number of the connection at its server, from 0.
    package let index: Int
    /// How many bytes the system took to send.
    package private(set) var sentBytes = 0

    /// How many requests it has read.
    package private(set) var requestsRead = 0

    private static let pattern = (0..<(251 * 512)).map { UInt8($0 % 251) }
    private let server: RawHTTPServer
    private let descriptor: Int32
    private var received: [UInt8] = []
    private var isClosed = false

    init(server: RawHTTPServer, descriptor: Int32, index: Int) {
        self.server = server
        self.descriptor = descriptor
        self.index = index
        RawSocket.setTimeout(descriptor, SO_RCVTIMEO, milliseconds: 60_000)
    }

    func run() {
        server.runScript(on: self)
        finish()
    }

    /// Reads a request's head and, by its `Content-Length`, its body (or only `bodyBytes` of it); `nil` at the end.
    package func readRequest(bodyBytes: Int? = nil) -> RawRequest? {
        guard let head = readHead() else { return nil }
        let lines = head.split(separator: "\r\n").map(String.init)
        guard let first = lines.first else { return nil }
        requestsRead += 1
        var request = RawRequest(connection: index, line: first, headerLines: Array(lines.dropFirst()))
        let length = bodyBytes ?? request.header("content-length").flatMap { Int($0) } ?? 0
        guard request.header("expect") == nil || bodyBytes != nil else {
            server.record(request)
            return request
        }
        request.body = readBody(length)
        server.record(request)
        return request
    }

    /// Reads exactly `count` bytes, fewer when the client closes.
    package func readBody(_ count: Int) -> [UInt8] {
        while received.count < count, receiveMore() {}
        let body = Array(received.prefix(count))
        received.removeFirst(body.count)
        return body
    }

    /// Sends text; `false` when the connection is gone.
    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends bytes, all of them; `false` when the connection is gone.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = sendSome(bytes[start...])
            guard count > 0 else { return false }
            start += count
        }
        return true
    }

    /// Sends a whole answer with its length.
    @discardableResult
    package func answer(_ status: String = "200 OK", headers: [String] = [], body: String = "") -> Bool {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
        return send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    /// Sends `count` bytes made on the fly (byte `i` of the stream is `i % 251`). When the client takes nothing for
    /// `milliseconds`, calls `onBlocked` and goes on.
    package func sendGenerated(_ count: Int, blockedAfter milliseconds: Int, onBlocked: () -> Void) {
        RawSocket.setTimeout(descriptor, SO_SNDTIMEO, milliseconds: milliseconds)
        let pattern = Self.pattern
        var sent = 0
        while sent < count {
            let offset = sent % 251
            let piece = pattern[offset..<min(pattern.count, offset + count - sent)]
            let taken = sendSome(piece)
            if taken > 0 {
                sent += taken
            } else if errno == EAGAIN {
                onBlocked()
            } else {
                return
            }
        }
    }

    /// Waits until the client closes; what it still sends is dropped.
    package func waitForClose() {
        received = []
        while receiveMore() { received = [] }
    }

    /// Breaks the connection with a reset.
    package func reset() {
        RawSocket.resetOnClose(descriptor)
        finish()
    }

    /// Closes the connection.
    package func finish() {
        guard !isClosed else { return }
        isClosed = true
        server.forget(self)
        close(descriptor)
    }

    private func sendSome(_ bytes: ArraySlice<UInt8>) -> Int {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
        }
        if count > 0 { sentBytes += count }
        return count
    }

    private func receiveMore() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        received += buffer.prefix(count)
        return true
    }

    private func readHead() -> String? {
        let end: [UInt8] = [13, 10, 13, 10]
        while true {
            if let range = received.firstRange(of: end) {
                let head = String(decoding: received[..<range.lowerBound], as: UTF8.self)
                received.removeFirst(range.upperBound)
                return head
            }
            guard receiveMore() else { return nil }
        }
    }
}
