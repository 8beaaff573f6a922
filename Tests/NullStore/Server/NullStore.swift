// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// An S3 server that verifies signatures and checksums and throws bytes away, so that a benchmark measures its clients
/// and not a disk. Small objects (checkpoints, audit records) can be read back.
package final class NullStore: Sendable {
    /// The port it listens on.
    package let port: Int

    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    private init(port: Int, channel: any Channel, group: MultiThreadedEventLoopGroup) {
        self.port = port
        self.channel = channel
        self.group = group
    }

    /// Listens on loopback; port 0 takes a free one.
    package static func start(port: Int, verifier: SignatureVerifier, threads: Int = 2) async throws -> NullStore {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let shop = Shop(verifier: verifier)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 16_384, maximum: 1 << 20)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(StoreHandler(shop: shop))
                }
            }
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: port).get()
        return NullStore(port: channel.localAddress?.port ?? port, channel: channel, group: group)
    }

    /// Stops listening and closes every connection.
    package func stop() async throws {
        try await channel.close().get()
        try await group.shutdownGracefully()
    }
}
