// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Cognigy
import HTTPTransport
import Synchronization

/// Answers by script, keeps every request, and can hold an answer back until it is told to go on.
final class ScriptedTransport: CognigyTransport {
    enum Reply: Sendable {
        case answer(HTTPResponse)
        case failure(HTTPError)
    }

    /// What a token request and an API call are answered with; the last entry is used again and again.
    private struct State {
        var requests: [HTTPRequest] = []
        var redirects: [RedirectPolicy] = []
        var tokenReplies: [Reply]
        var replies: [Reply]
        var bodies: [ScriptedBody] = []
        var held: [CheckedContinuation<Void, Never>] = []
        var isHolding = false
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    init(token: [Reply] = [.token("token-1")], _ replies: [Reply] = []) {
        state = Mutex(State(tokenReplies: token, replies: replies))
    }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    var tokenRequests: [HTTPRequest] { requests.filter(Self.isToken) }
    var apiRequests: [HTTPRequest] { requests.filter { !Self.isToken($0) } }
    var redirectPolicies: [RedirectPolicy] { state.withLock { $0.redirects } }
    var bodies: [ScriptedBody] { state.withLock { $0.bodies } }

    func script(_ replies: Reply...) { state.withLock { $0.replies = replies } }
    func scriptToken(_ replies: Reply...) { state.withLock { $0.tokenReplies = replies } }

    /// From now on token requests are answered only after `release`.
    func holdTokens() { state.withLock { $0.isHolding = true } }

    func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Returns when so many token requests are being held, or when the test is cancelled because it took too long.
    func waitForHeld(_ count: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.held.count >= count || Task.isCancelled { return true }
                    state.watchers.append((count, continuation))
                    return false
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            let watchers = state.withLock { state in
                defer { state.watchers = [] }
                return state.watchers
            }
            for watcher in watchers { watcher.continuation.resume() }
        }
    }

    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        if Self.isToken(request) { await holdIfAsked() }
        switch next(for: request) {
        case .answer(let response): return response
        case .failure(let error): throw error
        }
    }

    func openBody(_ request: HTTPRequest, redirects: RedirectPolicy) async throws(HTTPError) -> any ArtifactBody {
        state.withLock { $0.redirects.append(redirects) }
        switch next(for: request) {
        case .answer(let response):
            let body = ScriptedBody(response, url: response.headers["X-Final-URL"] ?? request.url)
            state.withLock { $0.bodies.append(body) }
            return body
        case .failure(let error): throw error
        }
    }

    private static func isToken(_ request: HTTPRequest) -> Bool { request.url.hasSuffix("/oauth/token") }

    private func next(for request: HTTPRequest) -> Reply {
        state.withLock { state in
            state.requests.append(request)
            func take(_ list: inout [Reply]) -> Reply {
                guard list.count > 1 else { return list.first ?? .status(599) }
                return list.removeFirst()
            }
            return Self.isToken(request) ? take(&state.tokenReplies) : take(&state.replies)
        }
    }

    private func holdIfAsked() async {
        await withCheckedContinuation { continuation in
            let (isHeld, watchers) = state.withLock { state in
                guard state.isHolding else { return (false, [CheckedContinuation<Void, Never>]()) }
                state.held.append(continuation)
                let ready = state.watchers.filter { $0.count <= state.held.count }.map(\.continuation)
                state.watchers.removeAll { $0.count <= state.held.count }
                return (true, ready)
            }
            if !isHeld { continuation.resume() }
            for watcher in watchers { watcher.resume() }
        }
    }
}

extension ScriptedTransport.Reply {
    static func json(_ text: String, status: Int = 200, headers: HTTPHeaders = [:]) -> Self {
        var headers = headers
        headers["Content-Type"] = "application/json"
        return .answer(HTTPResponse(status: status, headers: headers, body: Array(text.utf8)))
    }

    static func status(_ status: Int, headers: HTTPHeaders = [:]) -> Self {
        .answer(HTTPResponse(status: status, headers: headers))
    }

    static func html(_ title: String, status: Int) -> Self {
        let page = "<!DOCTYPE html><html><head><title>\(title)</title></head></html>"
        return .answer(
            HTTPResponse(
                status: status, headers: ["Content-Type": "text/html; charset=utf-8"], body: Array(page.utf8)))
    }

    static func token(_ token: String, expiresIn: String = "3600") -> Self {
        .json(#"{"access_token": "\#(token)", "expires_in": \#(expiresIn)}"#)
    }

    static func error(_ code: HTTPError.Code, wasSent: Bool = false) -> Self {
        .failure(HTTPError(code: code, message: "no luck with the host", wasSent: wasSent))
    }
}

/// A body of nothing but its head.
final class ScriptedBody: ArtifactBody {
    let status: Int
    let headers: HTTPHeaders
    let url: String
    let contentLength: Int?
    private let cancelled = Atomic<Bool>(false)

    init(_ response: HTTPResponse, url: String) {
        status = response.status
        headers = response.headers
        self.url = url
        contentLength = response.body.count
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func fill(_ buffer: TransferBuffer) async throws(HTTPError) -> Int { 0 }
    func readAll(maximum: Int) async throws(HTTPError) -> [UInt8] { [] }
    func cancel() { cancelled.store(true, ordering: .releasing) }
}
