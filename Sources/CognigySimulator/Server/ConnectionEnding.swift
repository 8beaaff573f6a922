// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore

/// The ways a connection ends other than by an answer.
struct ConnectionEnding {
    let channel: any Channel

    /// Ends the connection, or waits until the client has.
    func play(_ transport: Transport) async {
        switch transport {
        case .close: await close()
        case .reset: await reset()
        case .hang: await outlast()
        }
    }

    /// Sends what was written, then an orderly end (FIN).
    func close() async {
        // Fails when the client has closed already: then there is nothing left to do.
        try? await channel.close(mode: .output)
        try? await channel.close()
    }

    /// Sends RST, which also discards what the client has not read yet.
    func reset() async {
        let noLinger = linger(l_onoff: 1, l_linger: 0)
        try? await (channel as? any SocketOptionProvider)?.setSoLinger(noLinger).get()
        try? await channel.close()
    }

    /// Says nothing until the client has closed the connection or the server stops.
    func outlast() async {
        try? await channel.closeFuture.get()
    }
}
