// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Cognigy
import HTTPTransport
import Logging
import Synchronization

/// Refuses the first call of every caller at once: no 401 is given before all of them have called.
final class RefusingTransport: CognigyTransport {
    private struct State {
        var tokens = 0
        var calls = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let callers: Int
    private let state = Mutex(State())

    init(callers: Int) { self.callers = callers }

    var tokenRequests: Int { state.withLock { $0.tokens } }

    func exchange(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        if request.url.hasSuffix("/oauth/token") {
            let number = state.withLock { state in
                state.tokens += 1
                return state.tokens
            }
            return HTTPResponse(status: 200, body: Array(#"{"access_token": "token-\#(number)"}"#.utf8))
        }
        let isRefused = state.withLock { state in
            state.calls += 1
            return state.calls <= callers
        }
        guard isRefused else { return HTTPResponse(status: 200, body: Array(#"{"status": "TRAINED"}"#.utf8)) }
        await gather()
        return HTTPResponse(status: 401)
    }

    func openBody(_ request: HTTPRequest, redirects: RedirectPolicy) async throws(HTTPError) -> any ArtifactBody {
        throw HTTPError(code: .internal, message: "nothing to download")
    }

    private func gather() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                state.waiting.append(continuation)
                guard state.waiting.count == callers else { return [CheckedContinuation<Void, Never>]() }
                defer { state.waiting = [] }
                return state.waiting
            }
            for waiter in ready { waiter.resume() }
        }
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
