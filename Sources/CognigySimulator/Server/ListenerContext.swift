// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import NIOCore

/// A request's context that keeps hold of its connection, which faults close, reset or leave alone.
struct ListenerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Closes a connection as soon as the client has closed its side. The server allows half-closed connections; without
/// this, an endpoint that plays dead would never learn that its client has gone.
final class HalfCloseHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
