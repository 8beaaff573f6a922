// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// One connection: judges each request's signature as its head comes, its body as it goes by, and answers at its end.
final class StoreHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// What is known of the request that is coming in.
    private enum Reception {
        case store(StoreRequest, BodyReceiver)
        case own(String)
        case refused(Refusal)
    }

    private let shop: Shop
    private var reception = Reception.own("")
    private var isHead = false
    private var keepsAlive = true

    init(shop: Shop) { self.shop = shop }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context)
        case .body(let buffer): receive(buffer)
        case .end: end(context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        isHead = head.method == .HEAD
        keepsAlive = head.isKeepAlive
        let target = head.uri[...]
        let mark = target.firstIndex(of: "?") ?? target.endIndex
        let (path, query) = (target[..<mark], target[mark...].dropFirst())
        if path.hasPrefix("/_bench/") {
            reception = .own(String(path.dropFirst(8)))
            return
        }
        let headers = head.headers.map { (name: $0.name.lowercased(), value: $0.value) }
        do throws(Refusal) {
            let (request, receiver) = try shop.admit(head.method.rawValue, path, query, headers)
            reception = .store(request, receiver)
            if headers.contains(where: { $0.name == "expect" }) { sendContinue(context) }
        } catch {
            shop.ledger.note(error)
            reception = .refused(error)
        }
    }

    private func sendContinue(_ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func receive(_ buffer: ByteBuffer) {
        guard case .store(let request, var receiver) = reception else { return }
        reception = .own("")  // so that the receiver is changed where it is
        do throws(Refusal) {
            try receiver.receive(buffer)
            reception = .store(request, receiver)
        } catch {
            shop.ledger.note(error)
            reception = .refused(error)
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        let answer: StoreAnswer
        switch reception {
        case .own(let path): answer = shop.answer(own: path)
        case .refused(let refusal): answer = .refusal(refusal)
        case .store(let request, let receiver): answer = shop.answer(request, receiver)
        }
        write(answer, context)
    }

    private func write(_ answer: StoreAnswer, _ context: ChannelHandlerContext) {
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status))
        for (name, value) in answer.headers { head.headers.add(name: name, value: value) }
        if answer.status != 204 {
            head.headers.add(name: "content-length", value: String(answer.announcedLength ?? answer.body.count))
        }
        head.headers.add(name: "date", value: XMLText.httpDate(shop.now()))
        if !keepsAlive { head.headers.add(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !isHead, !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        let channel = context.channel
        let written = keepsAlive ? nil : context.eventLoop.makePromise(of: Void.self)
        written?.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }
}
