// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import NIOCore

/// Writes the bytes of a download, and ends the connection as the transfer wants it.
struct TransferWriter: Sendable {
    /// How many blocks are handed to the connection at once.
    private static let blocksPerWrite = 8

    let transfer: ArtifactTransfer
    let tenant: Tenant
    let channel: any Channel

    @concurrent func write(to body: inout any ResponseBodyWriter) async throws {
        var sent = 0
        defer { tenant.transferEnded(transfer, sent: sent) }
        if let rate = transfer.bytesPerSecond {
            try await writeSlowly(to: &body, rate: rate, &sent)
        } else {
            try await writeFast(to: &body, &sent)
        }
        let ending = ConnectionEnding(channel: channel)
        switch transfer.ending {
        case .complete:
            return try await body.finish(nil)
        case .close: await ending.close()
        case .reset: await ending.reset()
        case .stall: await ending.outlast()
        }
        throw ListenerResponder.ConnectionEnded()
    }

    @concurrent private func writeFast(to body: inout any ResponseBodyWriter, _ sent: inout Int) async throws {
        // A few megabytes of room keep the socket busy while the next blocks are on their way to its thread.
        try? await channel.setOption(.writeBufferWaterMark, value: .init(low: 1 << 20, high: 4 << 20)).get()
        var batch: [ByteBuffer] = []
        batch.reserveCapacity(Self.blocksPerWrite)
        for block in transfer.content.slices(transfer.sent) {
            batch.append(block)
            guard batch.count == Self.blocksPerWrite else { continue }
            try await flush(&batch, to: &body, &sent)
        }
        try await flush(&batch, to: &body, &sent)
    }

    @concurrent private func flush(
        _ batch: inout [ByteBuffer], to body: inout any ResponseBodyWriter, _ sent: inout Int
    ) async throws {
        guard !batch.isEmpty else { return }
        try await body.write(contentsOf: batch)
        sent += batch.reduce(0) { $0 + $1.readableBytes }
        batch.removeAll(keepingCapacity: true)
    }

    /// Ten portions a second.
    @concurrent private func writeSlowly(
        to body: inout any ResponseBodyWriter, rate: Int, _ sent: inout Int
    ) async throws {
        for portion in transfer.content.slices(transfer.sent, limit: max(1, rate / 10)) {
            try await body.write(portion)
            sent += portion.readableBytes
            try await tenant.time.sleep(.seconds(Double(portion.readableBytes) / Double(max(1, rate))))
        }
    }
}
