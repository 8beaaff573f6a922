// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// One end of a connection, read through a buffer of fixed size; used by one thread.
final class SocketStream {
    private static let capacity = 64 << 10

    let descriptor: Int32
    /// What was received and not taken yet; never more than a head or the capacity.
    private var received: [UInt8] = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// A connection to a port of 127.0.0.1.
    static func connect(to port: Int) -> SocketStream? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, size)
            }
        }
        guard code == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        return SocketStream(descriptor)
    }

    /// The bytes up to and with an empty line; nil where the peer ends before it.
    func readHead() -> [UInt8]? { read(through: [13, 10, 13, 10]) }

    /// The bytes up to and with a line end.
    func readLine() -> [UInt8]? { read(through: [13, 10]) }

    private func read(through end: [UInt8]) -> [UInt8]? {
        while true {
            if let range = received.firstRange(of: end) {
                defer { received.removeFirst(range.upperBound) }
                return Array(received[..<range.upperBound])
            }
            guard received.count < Self.capacity, receive() else { return nil }
        }
    }

    /// Passes on exactly `count` bytes as they come, or drops them without a target; false where either end is gone.
    func pass(_ count: Int, to target: SocketStream?) -> Bool {
        var left = count
        while left > 0 {
            if received.isEmpty, !receive() { return false }
            let piece = received.prefix(left)
            guard target?.send(piece) ?? true else { return false }
            left -= piece.count
            received.removeFirst(piece.count)
        }
        return true
    }

    /// Passes on everything until the peer ends.
    func passAll(to target: SocketStream?) {
        repeat {
            guard target?.send(received[...]) ?? true else { return }
            received = []
        } while receive()
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)[...]) }

    func send(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    func close() { Glibc.close(descriptor) }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: Self.capacity)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        received += buffer.prefix(count)
        return true
    }
}
