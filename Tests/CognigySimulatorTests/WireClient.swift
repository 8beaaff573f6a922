// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A client that sees what really goes over the wire: raw bytes, and how the connection ended.
struct WireClient {
    enum End: Equatable {
        /// The server closed the connection in an orderly way (FIN).
        case closed
        /// The server tore it down (RST).
        case reset
        /// The client had seen enough.
        case left
    }

    struct Exchange {
        var head: String
        var body: [UInt8]
        var end: End

        var status: Int? {
            head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        }
    }

    let port: Int

    /// Sends one request and reads until the server ends the connection, or until `enough` body bytes have come.
    func exchange(
        _ method: String, _ target: String, headers: [String] = [], body: String = "", enough: Int = .max,
        whenSent: @Sendable () async -> Void = {}
    ) async throws -> Exchange {
        let lines =
            ["\(method) \(target) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"] + headers
            + ["Content-Length: \(body.utf8.count)", "", body]
        let request = ByteBuffer(string: lines.joined(separator: "\r\n"))
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(request)
            await whenSent()
            var received: [UInt8] = []
            var end = End.closed
            do {
                for try await buffer in inbound {
                    received.append(contentsOf: buffer.readableBytesView)
                    if Self.split(received).body.count >= enough {
                        end = .left
                        break
                    }
                }
            } catch let error as IOError where error.errnoCode == 104 {  // ECONNRESET
                end = .reset
            }
            let (head, body) = Self.split(received)
            return Exchange(head: head, body: body, end: end)
        }
    }

    private static func split(_ bytes: [UInt8]) -> (head: String, body: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            return (String(decoding: bytes, as: UTF8.self), [])
        }
        return (String(decoding: bytes[..<end.lowerBound], as: UTF8.self), Array(bytes[end.upperBound...]))
    }
}
