// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import NIOPosix

/// Turns what one listener receives into the tenant's terms, and its replies into bytes.
struct ListenerResponder: HTTPResponder {
    typealias Context = ListenerContext

    /// The connection was ended on purpose; the server closes what is left of it.
    struct ConnectionEnded: Error {}

    private static let maximumBody = 4 << 20

    let tenant: Tenant
    let listener: Listener
    let logger: Logger

    func respond(to request: Request, context: Context) async throws -> Response {
        let body = try await request.body.collect(upTo: Self.maximumBody)
        let translated = translate(request, body: Array(body.readableBytesView))
        let reply = tenant.handle(translated)
        logger.info(
            "request",
            metadata: [
                "listener": "\(listener.rawValue)", "method": "\(translated.method)", "path": "\(translated.path)",
                "answer": "\(reply.label)",
            ])
        if reply.delay > .zero {
            try await tenant.time.sleep(reply.delay)
        }
        switch reply.outcome {
        case .answer(let answer):
            return try await response(answer, isHead: request.method == .head, context)
        case .noAnswer(let transport):
            await ConnectionEnding(channel: context.channel).play(transport)
            // What is answered now goes nowhere: the connection is closed.
            return Response(status: .serviceUnavailable)
        }
    }

    private func translate(_ request: Request, body: [UInt8]) -> SimulatorRequest {
        var headers = request.headers.map { (name: $0.name.rawName, value: $0.value) }
        if let authority = request.head.authority { headers.append((name: "Host", value: authority)) }
        return SimulatorRequest(
            listener: listener, method: request.method.rawValue, target: request.head.path ?? "/", headers: headers,
            body: body)
    }

    private func response(_ answer: Answer, isHead: Bool, _ context: Context) async throws -> Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        let status = HTTPResponse.Status(code: (200..<600).contains(answer.status) ? answer.status : 500)
        switch answer.body {
        case .bytes(let bytes):
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .digest(let content):
            let json = try await digest(content)
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json)))
        case .artifact(let transfer):
            if let length = transfer.announced { headers[.contentLength] = "\(length)" }
            guard !isHead else { return Response(status: status, headers: headers) }
            let writer = TransferWriter(transfer: transfer, tenant: tenant, channel: context.channel)
            return Response(
                status: status, headers: headers,
                body: ResponseBody(contentLength: transfer.announced) { body in
                    try await writer.write(to: &body)
                })
        }
    }

    /// Hashing takes seconds for large artifacts: it is done on a thread of its own.
    private func digest(_ content: ArtifactContent) async throws -> String {
        let sha256 = try await NIOThreadPool.singleton.runIfActive { content.sha256() }
        return "{\"sha256\":\"\(sha256)\",\"size\":\(content.size)}" + "\n"
    }
}
