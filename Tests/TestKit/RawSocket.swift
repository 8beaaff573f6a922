// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the system said about a failed call.
package struct SystemError: Error {
    package let call: String
    package let code: Int32
}

/// Thin helpers over POSIX sockets and threads.
enum RawSocket {
    /// A listening socket at 127.0.0.1 on a free port.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket", code: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard unsafe bind(descriptor, pointer, length) == 0, Glibc.listen(descriptor, 1024) == 0 else {
                    return errno
                }
                return unsafe getsockname(descriptor, pointer, &length) == 0 ? 0 : errno
            }
        }
        guard code == 0 else { throw SystemError(call: "bind", code: code) }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// Runs a function on a detached thread.
    static func startThread(
        _ context: UnsafeMutableRawPointer,
        _ body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
    ) -> Bool {
        var thread = pthread_t()
        guard unsafe pthread_create(&thread, nil, body, context) == 0 else { return false }
        pthread_detach(thread)
        return true
    }

    /// Sets how long a send or receive may block, in milliseconds.
    static func setTimeout(_ descriptor: Int32, _ option: Int32, milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Makes `close` break the connection with a reset.
    static func resetOnClose(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}
