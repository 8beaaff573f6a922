// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// An HTTP/1.1 proxy on the loopback interface that plays faults on the requests its rules are for.
///
/// Everything else goes through unchanged, the `Host` header too, so that signatures made for the proxy's address hold.
/// Bodies are passed on as they come. Each connection has a thread; each request a connection of its own to the server.
package final class HTTPFaultProxy: Sendable {
    /// The port it listens on at 127.0.0.1.
    package let port: Int
    /// The server's port at 127.0.0.1.
    let target: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var rules: [HTTPFaultRule] = []
        var descriptors: Set<Int32> = []
        var isStopped = false
    }

    /// Listens on a free port and forwards to `port` of 127.0.0.1.
    package init(to port: Int) throws {
        target = port
        (listener, self.port) = try RawSocket.listen()
        Thread.detachNewThread { [self] in accept() }
    }

    /// `http://127.0.0.1:port`.
    package var endpoint: String { "http://127.0.0.1:\(port)" }

    /// Plays a fault on requests by method, and by what path and query contain: the first `after` of them go through,
    /// then so many `times` are hit (all of them without). Of several rules the first that takes a request has it.
    @discardableResult
    package func add(
        _ fault: HTTPFault, method: String? = nil, path: String = "", query: String = "", after: Int = 0,
        times: Int? = nil
    ) -> HTTPFaultRule {
        let rule = HTTPFaultRule(fault, method: method, path: path, query: query, after: after, times: times)
        state.withLock { $0.rules.append(rule) }
        return rule
    }

    /// Breaks every connection, lets go of everything and takes no more.
    package func stop() {
        let rules = state.withLock { state in
            state.isStopped = true
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
            return state.rules
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for rule in rules { rule.end() }
    }

    func rule(for head: HTTPHead) -> HTTPFaultRule? {
        state.withLock { $0.rules }.first { $0.takes(head) }
    }

    /// Remembers a connection so that `stop` can break it; false when that has happened already.
    func remember(_ stream: SocketStream) -> Bool {
        state.withLock { state in
            if !state.isStopped { state.descriptors.insert(stream.descriptor) }
            return !state.isStopped
        }
    }

    /// Before the descriptor is closed, so that `stop` never touches one that has been given to somebody else.
    func forget(_ stream: SocketStream) {
        _ = state.withLock { $0.descriptors.remove(stream.descriptor) }
        stream.close()
    }

    private func accept() {
        while true {
            let descriptor = Foundation.accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            Thread.detachNewThread { [self] in
                let client = SocketStream(descriptor)
                if remember(client) { HTTPRelay(proxy: self, client: client).run() }
                forget(client)
            }
        }
        Foundation.close(listener)
    }
}

/// One connection of a client, served request after request on its own thread.
private struct HTTPRelay {
    let proxy: HTTPFaultProxy
    let client: SocketStream

    func run() {
        while let bytes = client.readHead(), serve(HTTPHead(bytes)) {}
    }

    /// Serves one request; false when the connection has to end.
    private func serve(_ head: HTTPHead) -> Bool {
        let rule = proxy.rule(for: head)
        guard let rule else { return forward(head) }
        switch rule.fault {
        case .hold: return rule.hold { forward(head) }
        case .change(let change): return forward(head, change)
        case .loseAnswer(let lines):
            return forward(head, lines: lines)
        case .cut:
            RawSocket.resetOnClose(client.descriptor)
            return false
        case .answer(let status, let headers, let body):
            return answer(head, status, headers, body)
        }
    }

    private func answer(_ head: HTTPHead, _ status: Int, _ headers: [String], _ body: String) -> Bool {
        // Whoever waits for `100 Continue` must not send a body any more after another answer.
        let mayGoOn = !head.expectsContinue && client.pass(head.contentLength, to: nil)
        let fields = ["HTTP/1.1 \(status) Fault", "Content-Length: \(body.utf8.count)"] + headers
        client.send(fields.joined(separator: "\r\n") + "\r\n\r\n" + (head.method == "HEAD" ? "" : body))
        return mayGoOn
    }

    /// - Parameter lines: with a number only so many lines of the answer reach the client, and the connection ends.
    private func forward(
        _ head: HTTPHead, lines: Int? = nil, _ change: (@Sendable (inout HTTPHead) -> Void)? = nil
    ) -> Bool {
        guard let server = SocketStream.connect(to: proxy.target) else { return false }
        guard proxy.remember(server) else {
            server.close()
            return false
        }
        defer { proxy.forget(server) }
        guard server.send(head.text), sendBody(head, to: server), let answer = readAnswer(from: server) else {
            return false
        }
        guard let lines else { return relay(answer, to: head, change, from: server) }
        passBody(of: answer, to: head, from: server, to: nil)
        client.send(([answer.line] + answer.fields).prefix(lines).map { $0 + "\r\n" }.joined())
        return false
    }

    private func sendBody(_ head: HTTPHead, to server: SocketStream) -> Bool {
        if head.expectsContinue {
            guard let bytes = server.readHead() else { return false }
            let answer = HTTPHead(bytes)
            guard client.send(answer.text) else { return false }
            guard answer.status == 100 else {
                passBody(of: answer, to: head, from: server, to: client)
                return false
            }
        }
        return client.pass(head.contentLength, to: server)
    }

    /// The final answer; interim ones are passed on.
    private func readAnswer(from server: SocketStream) -> HTTPHead? {
        while let bytes = server.readHead() {
            let answer = HTTPHead(bytes)
            guard (100..<200).contains(answer.status) else { return answer }
            client.send(answer.text)
        }
        return nil
    }

    private func relay(
        _ answer: HTTPHead, to head: HTTPHead, _ change: (@Sendable (inout HTTPHead) -> Void)?,
        from server: SocketStream
    ) -> Bool {
        var shown = answer
        change?(&shown)
        guard client.send(shown.text) else { return false }
        return passBody(of: answer, to: head, from: server, to: client)
    }

    /// Passes on the body of an answer; false where the connection cannot serve another request.
    @discardableResult
    private func passBody(
        of answer: HTTPHead, to head: HTTPHead, from server: SocketStream, to target: SocketStream?
    ) -> Bool {
        let closes = answer["connection"]?.lowercased() == "close"
        if head.method == "HEAD" || answer.status == 204 || answer.status == 304 { return !closes }
        if answer["transfer-encoding"]?.lowercased() == "chunked" {
            return passChunks(from: server, to: target) && !closes
        }
        if answer["content-length"] != nil { return server.pass(answer.contentLength, to: target) && !closes }
        server.passAll(to: target)
        return false
    }

    private func passChunks(from server: SocketStream, to target: SocketStream?) -> Bool {
        while let line = server.readLine() {
            let text = String(decoding: line, as: UTF8.self).prefix { $0 != ";" && !$0.isNewline }
            guard let size = Int(text, radix: 16), target?.send(line[...]) ?? true else { return false }
            if size == 0 { return passTrailers(from: server, to: target) }
            guard server.pass(size + 2, to: target) else { return false }
        }
        return false
    }

    private func passTrailers(from server: SocketStream, to target: SocketStream?) -> Bool {
        while let line = server.readLine() {
            guard target?.send(line[...]) ?? true else { return false }
            if line.count == 2 { return true }
        }
        return false
    }
}

extension HTTPHead {
    fileprivate var contentLength: Int { self["content-length"].flatMap { Int($0) } ?? 0 }
    fileprivate var expectsContinue: Bool { self["expect"]?.lowercased() == "100-continue" }
}
